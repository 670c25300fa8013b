"""Ending processes that are nobody's children here: what a function has left running."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = ["bearing", "end_all"]

_PATIENCE = 1.0
"""Seconds."""
_ROUNDS = 20
_AT_ONCE = 64
"""Processes, and so open files."""


def end_all(find: Callable[[], list[int]]) -> None:
    """Kill the processes that `find` finds, and wait, until it finds none.

    One that cannot be killed, or starts others faster than they are found, is left.
    """
    for _ in range(_ROUNDS):
        pids = find()
        if not pids:
            return
        for start in range(0, len(pids), _AT_ONCE):
            _end(pids[start : start + _AT_ONCE])


def _end(pids: Sequence[int]) -> None:
    """Kill them, and wait a moment for them together: each may take its time on a busy host."""
    dying = select.poll()
    descriptors = set()
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except (AttributeError, OSError):  # not Linux, or gone
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            continue
        descriptors.add(descriptor)
        dying.register(descriptor, select.POLLIN)
        with suppress(OSError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    try:
        while descriptors and (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in dying.poll(left * 1000):
                dying.unregister(descriptor)
                descriptors.remove(descriptor)
                os.close(descriptor)
    finally:
        for descriptor in descriptors:
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
