"""`python -m benchmarks.runtime`: our runtime client and awslambdaric in one run.

Rounds alternate between the two, so that what else the machine does hits both;
each figure is the median, with the least and the greatest round beside it.

One core serves both sides of a round. They take turns, so a second core would
add nothing but the time it takes to wake it, twice for each invocation: on a
virtual machine that is more than a whole invocation, and hides what is measured.
All code is compiled before it is measured, as it is in an image.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.runtime.fake_api import FakeAPI
from benchmarks.runtime.serial_api import SerialAPI
from tests.runtime.clients import Client
from tests.runtime.rie import rie_path, running_rie

ROOT = Path(__file__).parents[2]
FUNCTIONS = Path(__file__).parent / "functions"
SAMPLE = b"""{"version": "2.0", "routeKey": "$default", "rawPath": "/hello/world",
"rawQueryString": "a=1&b=2", "cookies": ["s=1"], "headers": {"accept": "*/*", "host": "f.example",
"user-agent": "bench", "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443",
"x-forwarded-proto": "https"}, "requestContext": {"accountId": "1", "apiId": "f",
"domainName": "f.example", "http": {"method": "GET", "path": "/hello/world",
"protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench"}, "requestId": "r",
"routeKey": "$default", "stage": "$default", "time": "01/Jan/2026:00:00:00 +0000",
"timeEpoch": 1767225600000}, "isBase64Encoded": false}"""
MANAGED = {"AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}"}
ENVIRONMENTS = [("managed runtime", MANAGED), ("other image", dict[str, str]())]
OURS, THEIRS = Client("warmstart.runtime"), Client("awslambdaric")


@dataclass(frozen=True)
class Workload:
    name: str
    event: bytes
    ours: str
    theirs: str
    invocations: int


WORKLOADS = [
    Workload("trivial", b'{"a": 1}', "trivial.handler", "trivial.handler", 6000),
    Workload("Starlette", SAMPLE, "starlette_app.app", "starlette_mangum.handler", 2000),
]


@dataclass(frozen=True)
class Round:
    """One process's life: the columns of the table."""

    per_second: float
    cpu: float  # microseconds for each invocation
    first: float  # milliseconds from spawn to the first `next`
    start: float  # milliseconds of CPU time in them
    memory: float  # MB resident


@contextmanager
def bytecode() -> Iterator[None]:
    """Let Python keep what it has compiled, for the time of the benchmark."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        yield


@contextmanager
def process(client: Client, handler: str, address: str, **more: str) -> Iterator[int]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join((str(ROOT / "src"), str(FUNCTIONS)))
    environ |= {"AWS_LAMBDA_RUNTIME_API": address, "PYTHONPATH": path, **more}
    running = subprocess.Popen(
        client.command(handler), env=environ, cwd=FUNCTIONS, stdout=subprocess.DEVNULL
    )
    try:
        yield running.pid
    finally:
        forked = children(running.pid)
        running.kill()  # first, because it would replace the others
        running.wait()
        for child in forked:
            os.kill(child, 9)


def children(pid: int) -> list[int]:
    return [int(it) for it in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """What the process has used, the threads that have ended included."""
    return time.clock_gettime(~pid << 3 | 2)  # the clock that clock_getcpuclockid(3) names


@contextmanager
def one_core() -> Iterator[None]:
    """Let this process, and those it starts, run on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def memory(pid: int, file: str = "status", field: str = "VmRSS:") -> float:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(field))


def one_round(client: Client, handler: str, work: Workload, **more: str) -> Round:
    with one_core(), closing(SerialAPI(work.event)) as api:
        spawned = time.perf_counter()
        with process(client, handler, api.address, **more) as pid:
            first = api.wait_poll() - spawned
            start = cpu_seconds(pid)
            api.serve(work.invocations // 10)  # warm
            before = cpu_seconds(pid)
            seconds = api.serve(work.invocations)
            cpu = (cpu_seconds(pid) - before) / work.invocations
            per_second = work.invocations / seconds
            return Round(per_second, cpu * 1e6, first * 1e3, start * 1e3, memory(pid))


def through_rie(client: Client, handler: str, work: Workload, **more: str) -> float:
    """Invocations per second through the emulator, from one client; it takes no more."""
    count = work.invocations // 4
    with one_core(), TemporaryDirectory() as folder:
        path = os.pathsep.join((str(ROOT / "src"), str(FUNCTIONS)))
        with running_rie(client, handler, Path(folder), PYTHONPATH=path, **more) as emulator:
            emulator.invoke(work.event)
            request = (
                "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\n"
                f"Host: localhost\r\nContent-Length: {len(work.event)}\r\n\r\n"
            )
            message = request.encode() + work.event
            with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                started = time.perf_counter()
                for _ in range(count):
                    connection.sendall(message)
                    # The emulator's answers are small, and come in one piece.
                    assert connection.recv(65536).startswith(b"HTTP/1.1 200")
                return count / (time.perf_counter() - started)


async def at_once(client: Client, handler: str, count: int, **more: str) -> tuple[float, float]:
    """Seconds for `count` waits of 100 ms at once, and the memory of all processes in MB.

    That is the proportional set size: what processes share counts once.
    """
    async with FakeAPI(b"{}") as api:
        limit = {"AWS_LAMBDA_MAX_CONCURRENCY": str(count)}
        with process(client, handler, api.address, **limit, **more) as pid:
            await api.wait_polls(count)
            await api.serve(count)
            await api.wait_polls(count)
            seconds = await api.serve(count)
            pids = [pid, *children(pid)]
            return seconds, sum(memory(it, "smaps_rollup", "Pss:") for it in pids)


def spread(values: list[float], digits: int = 0) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} [{low:,.{digits}f}-{high:,.{digits}f}]"


def print_pair(title: str, ours: list[Round], theirs: list[Round]) -> None:
    columns: list[tuple[str, Callable[[Round], float], int]] = [
        ("invocations/s", lambda it: it.per_second, 0),
        ("CPU us/inv", lambda it: it.cpu, 0),
        ("first next ms", lambda it: it.first, 1),
        ("its CPU ms", lambda it: it.start, 1),
        ("RSS MB", lambda it: it.memory, 1),
    ]
    print(f"\n{title}")
    for name, rounds in (("warmstart.runtime", ours), ("awslambdaric", theirs)):
        cells = [
            f"{heading} {spread([of(it) for it in rounds], digits)}"
            for heading, of, digits in columns
        ]
        print(f"  {name:18}", "   ".join(cells))
    medians = [
        statistics.median(map(of, ours)) / statistics.median(map(of, theirs))
        for _, of, _ in columns
    ]
    sooner, cheaper, less = (
        statistics.median(map(of, theirs)) - statistics.median(map(of, ours))
        for _, of, _ in columns[2:]
    )
    print(
        f"  {'':18} {medians[0]:.1f} x the invocations, {medians[1]:.2f} x the CPU, "
        f"{sooner:.0f} ms ({cheaper:.0f} ms of CPU time) sooner, {less:.1f} MB less"
    )


def main(rounds: int) -> None:
    with bytecode():
        for work in WORKLOADS:
            one_round(OURS, work.ours, work)
            one_round(THEIRS, work.theirs, work)
            for label, more in ENVIRONMENTS:
                ours, theirs = [], []
                for _ in range(rounds):
                    ours.append(one_round(OURS, work.ours, work, **more))
                    theirs.append(one_round(THEIRS, work.theirs, work, **more))
                print_pair(f"{work.name}, fake Runtime API, {label}", ours, theirs)
        print_through_rie(rounds)
        print_at_once()


def print_through_rie(rounds: int) -> None:
    rie_path()
    for work in WORKLOADS:
        for label, more in ENVIRONMENTS:
            through = [
                (
                    through_rie(OURS, work.ours, work, **more),
                    through_rie(THEIRS, work.theirs, work, **more),
                )
                for _ in range(rounds)
            ]
            print(f"\n{work.name}, runtime interface emulator, {label}: invocations/s")
            print(f"  warmstart.runtime  {spread([it[0] for it in through])}")
            print(f"  awslambdaric       {spread([it[1] for it in through])}")


def print_at_once() -> None:
    print("\n64 invocations at once that wait 100 ms each")
    alone = {"WARMSTART_WORKERS": "1"}
    for name, client, handler, more in (
        ("warmstart.runtime, one vCPU", OURS, "trivial.waiting", alone),
        ("  a worker for each vCPU", OURS, "trivial.waiting", {}),
        ("  one vCPU, `def`", OURS, "trivial.sleeping", alone),
        ("awslambdaric", THEIRS, "trivial.sleeping", {}),
    ):
        seconds, megabytes = asyncio.run(at_once(client, handler, 64, **more))
        print(f"  {name:27} all answered in {seconds:.2f} s, {megabytes:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (default 5)")
    main(parser.parse_args().rounds)
