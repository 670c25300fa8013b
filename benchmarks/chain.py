"""The whole chain beside what it is measured by: `python -m benchmarks.chain`.

One FastAPI app (`examples.fastapi_app`, GET /hello), by turns

- under bare uvicorn, which is the limit,
- through `warmstart dev`, buffered and streaming,
- through AWS's runtime interface emulator with awslambdaric and Mangum, at one
  client only: the emulator crashes on the second simultaneous request.

All are started once; the rounds alternate, and each figure is the median of its
rounds.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Outcome, run_load
from benchmarks.report import conditions, table
from tests.runtime.rie import rie_path
from warmstart.events import http_v2
from warmstart.events.http import HTTPRequest

ROOT = Path(__file__).parents[1]
ROUNDS = 3
SECONDS = 3.0
GET = b"GET /hello?name=you HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to the app: its name, port, the request that reaches it, and its clients."""

    name: str
    port: int
    request: bytes
    clients: int


@contextmanager
def process(command: list[str], port: int, **variables: str) -> Iterator[int]:
    """A server in a process of its own; ends with the block."""
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while not _listens(port):
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start")
            time.sleep(0.05)
        yield port
    finally:
        started.terminate()
        started.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def bare_uvicorn() -> list[str]:
    """The command of uvicorn with the same parser and loop as ours; the port is to follow."""
    options = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--log-level", "error"]
    return [sys.executable, "-m", "uvicorn", "examples.fastapi_app:app", *options, "--port"]


def warmstart_dev(mode: str) -> list[str]:
    """The command of the whole chain; the port is to follow."""
    command = [sys.executable, "-c", "from warmstart.cli import main; main()", "dev"]
    return [*command, "examples.fastapi_app:app", "--no-reload", mode, "--port"]


def rie_request(port: int) -> bytes:
    """The invocation that a client of the emulator sends for GET."""
    headers = [(b"host", b"127.0.0.1")]
    event = http_v2.build_event(
        HTTPRequest("GET", "/hello", b"/hello", b"name=you", headers, client=("127.0.0.1", 0)),
        request_id="id",
        time=0,
        domain_name="abc.lambda-url.us-east-1.on.aws",
    )
    body = json.dumps(event).encode()
    head = (
        "POST /2015-03-31/functions/function/invocations HTTP/1.1\r\n"
        f"host: 127.0.0.1:{port}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _ways(stack: ExitStack) -> list[Row]:
    rows: list[Row] = []
    for name, command in {
        "bare uvicorn": bare_uvicorn(),
        "warmstart dev --buffer": warmstart_dev("--buffer"),
        "warmstart dev --stream": warmstart_dev("--stream"),
    }.items():
        port = _free_port()
        stack.enter_context(process([*command, str(port)], port))
        rows += [Row(name, port, GET, 1), Row(name, port, GET, 8)]
    port, api = _free_port(), _free_port()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (folder / "mangum_app.py").write_text(
        "from mangum import Mangum\n"
        "from examples.fastapi_app import app\n"
        'handler = Mangum(app, lifespan="off")\n'
    )
    command = [str(rie_path()), "--runtime-api-address", f"127.0.0.1:{api}"]
    command += ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += [sys.executable, "-m", "awslambdaric", "mangum_app.handler"]
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    stack.enter_context(process(command, port, PYTHONPATH=path))
    rows.append(Row("RIE + awslambdaric + Mangum", port, rie_request(port), 1))
    return rows


def measure() -> list[tuple[Row, Outcome]]:
    """All rows, in alternating rounds."""
    with ExitStack() as stack:
        rows = _ways(stack)
        for row in rows:  # environments and caches are warm before anything counts
            run_load(row.port, row.request, clients=row.clients, seconds=5.0)
        rounds = [
            [run_load(row.port, row.request, clients=row.clients, seconds=SECONDS) for row in rows]
            for _ in range(ROUNDS)
        ]
    return [
        (
            row,
            Outcome(
                statistics.median(outcome.per_second for outcome in outcomes),
                statistics.median(outcome.p50 for outcome in outcomes),
                statistics.median(outcome.p99 for outcome in outcomes),
                sum(outcome.errors for outcome in outcomes),
            ),
        )
        for row, outcomes in zip(rows, zip(*rounds, strict=True), strict=True)
    ]


def report(measured: list[tuple[Row, Outcome]]) -> str:
    """The figures as Markdown."""
    headings = ["GET /hello (FastAPI)", "clients", "requests/s", "p50 ms", "p99 ms", "errors"]
    rows = [
        [
            row.name,
            str(row.clients),
            f"{o.per_second:,.0f}",
            f"{o.p50:.2f}",
            f"{o.p99:.2f}",
            str(o.errors),
        ]
        for row, o in measured
    ]
    return (
        f"{conditions()}; median of {ROUNDS} alternating rounds of {SECONDS:.0f} s; "
        f"load generator on the same machine.\n\n{table(headings, rows)}"
    )


if __name__ == "__main__":
    print(report(measure()))
