"""ministack's server: SQS by people who have nothing to do with us.

It keeps the order of a FIFO queue's groups when messages come again, and bears thousands in a
queue. moto does neither: it hands out what follows a message whose visibility ended before
that message, and copies and searches all of a queue at each call.

`scripts/ministack` installs it into an environment of its own. Where it cannot be had, tests
are skipped with the reason, except in CI, where they fail.
"""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.service.whole.seaweed import free_ports

__all__ = ["Ministack", "ministack_path"]

ROOT = Path(__file__).parents[3]


@cache
def ministack_path() -> Path:
    """The program; the test that asks is skipped if it cannot be installed."""
    try:
        with (ROOT / "requirements" / "ministack.txt").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # other processes may be at it, too
            found = subprocess.run(
                [ROOT / "scripts" / "ministack"],
                check=True,
                capture_output=True,
                text=True,
                timeout=200,
            )
    except (subprocess.SubprocessError, OSError) as error:
        reason = f"ministack cannot be installed: {error} {getattr(error, 'stderr', '')}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(found.stdout.strip())


@dataclass(frozen=True)
class Ministack:
    url: str

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Ministack]:
        (port,) = free_ports(1)
        variables = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "SERVICES": "sqs"}
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [ministack_path()],
                cwd=folder,
                env=os.environ | variables | {"TMPDIR": folder, "LOG_LEVEL": "WARNING"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                wait_listening(process, port)
                yield cls(f"http://127.0.0.1:{port}")
            finally:
                process.terminate()
                process.wait(30)


def wait_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("ministack did not start")
        time.sleep(0.05)
