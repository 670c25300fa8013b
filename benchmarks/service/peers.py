"""The services that are measured, each in processes of its own and on loopback only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.runtime.rie import rie_path
from tests.service.whole.ministack import ministack_path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Peer:
    """A service that listens. `pid` is its main process."""

    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def warmstart() -> Iterator[Peer]:
    command = [sys.executable, "-c", "from warmstart.cli import main; main()", "serve"]
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    with _running("warmstart serve", [*command, "--port"], PYTHONPATH=path) as peer:
        yield peer


@contextmanager
def ministack() -> Iterator[Peer]:
    variables = {"BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING", "SERVICES": "lambda,iam,logs"}
    with _running("ministack", [str(ministack_path())], **variables) as peer:
        yield peer


@contextmanager
def emulator(folder: Path, handler: str) -> Iterator[Peer]:
    """AWS's runtime interface emulator with its own client; it has one function, and no API."""
    command = [str(rie_path()), "--runtime-api-address", f"127.0.0.1:{_free_port()}"]
    command += ["--runtime-interface-emulator-address", "127.0.0.1:{port}"]
    command += [sys.executable, "-m", "awslambdaric", handler]
    with _running("RIE + awslambdaric", command, PYTHONPATH=str(folder)) as peer:
        yield peer


@contextmanager
def _running(name: str, command: list[str], **variables: str) -> Iterator[Peer]:
    """Start a server that is told its port by its last option, its variables, or `{port}`."""
    port = _free_port()
    if command[-1] == "--port":
        command = [*command, str(port)]
    command = [part.replace("{port}", str(port)) for part in command]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"GATEWAY_PORT": str(port)} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_listening(process, port, name)
            yield Peer(name, port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _wait_listening(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
