"""The Runtime API clients under test, each as a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "AWSLAMBDARIC",
    "FUNCTIONS",
    "SOURCE",
    "WARMSTART",
    "Client",
    "Running",
    "environment",
]

FUNCTIONS = Path(__file__).parent / "functions"
SOURCE = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Client:
    """A program that asks for events: `python -m module HANDLER`."""

    module: str

    def __str__(self) -> str:
        return self.module

    def command(self, handler: str) -> list[str]:
        return [sys.executable, "-m", self.module, handler]

    @contextmanager
    def running(
        self, address: str, handler: str, folder: Path, **variables: str
    ) -> Iterator[Running]:
        """The client, serving `handler`; its output goes to files in `folder`."""
        running = Running(self.command(handler), folder, environment(address, **variables))
        try:
            yield running
        finally:
            running.stop()


class Running:
    """A client's process."""

    def __init__(self, command: list[str], folder: Path, variables: dict[str, str]) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            frames = variables.get("_LAMBDA_TELEMETRY_LOG_FD")
            self.process = subprocess.Popen(
                command,
                env=variables,
                cwd=FUNCTIONS,
                stdout=out,
                stderr=err,
                pass_fds=[int(frames)] if frames else [],
            )

    def wait(self) -> int:
        """Wait for the process's end and return its exit code."""
        return self.process.wait(timeout=20)

    def stop(self) -> int:
        """Ask the process to end, and see that it does."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    @property
    def stdout(self) -> str:
        return self._out.read_bytes().decode()

    @property
    def stderr(self) -> str:
        return self._err.read_bytes().decode()


def environment(address: str | None, **variables: str) -> dict[str, str]:
    """What the process finds in its environment: nothing of Lambda's but what a test gives."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    if address is not None:
        found["AWS_LAMBDA_RUNTIME_API"] = address
    found["PYTHONPATH"] = os.pathsep.join((str(SOURCE), str(FUNCTIONS)))
    return found | variables


WARMSTART = Client("warmstart.runtime")
AWSLAMBDARIC = Client("awslambdaric")
