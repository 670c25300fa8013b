"""What an environment costs by what it is: `python -m benchmarks.docker`.

A function that returns its event, as a process, as a copy of a snapshot and as a container.
In each round each of them starts some environments one after the other, timed from an
invocation that finds none to its answer, and then answers one invocation after the other, at
once and after a pause in which it is frozen.
Beside them `docker run` starts the same image's Python, which does nothing, and waits for
its end. Takes root, an engine and the image (`eval "$(scripts/engine)"`).
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.report import conditions, table
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.driver import Driver
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.function import Function
from warmstart.service.service import Service

__all__ = ["main"]

IMAGE = "warmstart-test-base"
CODE = "def handler(event, context):\n    return event\n"
VERSION = "1"
PAUSE = 0.02
"""Seconds; it is frozen after a quarter of that."""


@asynccontextmanager
async def serving(
    driver: Driver, folder: Path, *, snap_start: bool = False
) -> AsyncIterator[Service]:
    """A service of the function that has no environment of it yet."""
    function = Function(
        name="f",
        version=VERSION,
        handler="main.handler",
        task_root=str(folder),
        timeout=60.0,
        isolated=True,
        freeze=True,
        snap_start=snap_start,
    )
    async with Service(driver=driver) as service:
        await service.create_function(function)
        yield service


async def invoke(service: Service) -> float:
    """One invocation, in milliseconds."""
    started = time.perf_counter()
    result = await service.invoke("f", b'{"a": 1}', qualifier=VERSION)
    elapsed = time.perf_counter() - started
    assert result.function_error is None, result.payload
    return elapsed * 1000


async def measure(
    driver: Driver, folder: Path, starts: int, count: int, *, snap_start: bool
) -> tuple[list[float], list[float], list[float]]:
    """The cold starts, the warm invocations, and those after a pause."""
    cold = []
    for _ in range(starts):
        async with serving(driver, folder, snap_start=snap_start) as service:
            cold.append(await invoke(service))
    async with serving(driver, folder, snap_start=snap_start) as service:
        await invoke(service)
        warm = [await invoke(service) for _ in range(count)]
        thawed = []
        for _ in range(count // 10):
            await asyncio.sleep(PAUSE)
            thawed.append(await invoke(service))
    return cold, warm, thawed


def docker_run(image: str) -> float:
    """`docker run` of the image's Python, in milliseconds."""
    command = ["docker", "run", "--rm", "--network", "none", image, "python3", "-c", ""]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main(image: str, rounds: int, starts: int, count: int) -> str:
    """The report as Markdown."""
    docker = DockerDriver(image)
    processes = ProcessDriver()
    ways: dict[str, tuple[Driver, bool]] = {
        "process": (processes, False),
        "snapshot": (processes, True),
        "docker": (docker, False),
    }
    cold: dict[str, list[float]] = {name: [] for name in (*ways, "`docker run`")}
    warm: dict[str, list[float]] = {name: [] for name in ways}
    thawed: dict[str, list[float]] = {name: [] for name in ways}
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            (folder / "main.py").write_text(CODE)
            for _ in range(rounds):
                for way, (driver, snap_start) in ways.items():
                    measured = measure(driver, folder, starts, count, snap_start=snap_start)
                    found = asyncio.run(measured)
                    for kind, times in zip((cold, warm, thawed), found, strict=True):
                        kind[way] += times
                cold["`docker run`"] += [docker_run(image) for _ in range(starts)]
    finally:
        docker.close()
    rows = [
        [way, *_figures(times, 0), *_figures(warm.get(way), 2), *_figures(thawed.get(way), 2)]
        for way, times in cold.items()
    ]
    headings = ["environment", "cold p50", "p90", "warm p50", "p90", "after a pause p50", "p90"]
    said = f"ms; {rounds} alternating rounds, {starts} starts and {count} invocations in each"
    return f"{conditions()}\n{said}\n\n{table(headings, rows)}"


def _figures(times: list[float] | None, digits: int) -> list[str]:
    if times is None:
        return ["", ""]
    found = (statistics.median(times), statistics.quantiles(times, n=10)[-1])
    return [f"{each:.{digits}f}" for each in found]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default=IMAGE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    sys.stdout.write(f"{main(options.image, options.rounds, options.starts, options.count)}\n")
