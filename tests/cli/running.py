"""A command of ours that serves, in a process, as a person runs it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-c", "from warmstart.cli import main; main()"]
READY = re.compile(r"at http://127\.0\.0\.1:(\d+) ")


class Running:
    """A command that serves, the folder it runs in, what it has printed, and its port."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, output: Path) -> None:
        self.folder = folder
        self.process = process
        self._output = output
        self.port = int(self.wait_for(READY)[1])

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        deadline = time.monotonic() + 30
        while (found := pattern.search(self.printed)) is None:
            assert time.monotonic() < deadline, f"no {pattern.pattern!r} in: {self.printed}"
            assert self.process.poll() is None, self.printed
            time.sleep(0.02)
        return found

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def say(
    running: Running, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that asks the service."""
    return subprocess.run(
        [*COMMAND, *arguments, "--endpoint-url", f"http://127.0.0.1:{running.port}"],
        cwd=running.folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def started(folder: Path, *arguments: str, port: int = 0) -> Iterator[Running]:
    """Run a command until the end of the block, on a free port or this one."""
    output = folder / "printed.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--port", str(port)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Running(process, folder, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)
