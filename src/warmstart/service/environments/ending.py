"""Ending processes that are nobody's children here: what a function has left running."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["bearing", "end_all"]

_PATIENCE_MS = 1000
_ROUNDS = 20


def end_all(find: Callable[[], list[int]]) -> None:
    """Kill the processes that `find` finds, and wait, until it finds none.

    One that cannot be killed, or starts others faster than they are found, is left.
    """
    for _ in range(_ROUNDS):
        pids = find()
        if not pids:
            return
        for pid in pids:
            _end(pid)


def _end(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or gone
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        return
    try:
        with suppress(OSError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(_PATIENCE_MS)
    finally:
        os.close(descriptor)


def bearing(marker: str) -> list[int]:
    """The processes whose environment variables, as they were started, contain `marker`."""
    found = []
    wanted = marker.encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone, or another user's
            if wanted in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found
