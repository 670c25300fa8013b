"""Worker processes, forked after the function was imported, and replaced when they die.

The fork lets them share the memory of all that was imported; `gc.freeze` before
it keeps the collector from touching, and so copying, every page. A worker says
through a pipe that it is ready. One that dies before, or that exits with 1
because there is no more work to be had, ends the environment; any other death
is an accident, and another worker takes the place.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["WorkerPool"]

Work = Callable[[int, Callable[[], None]], int]


class WorkerPool:
    """Runs `work(share, ready)` in a process for each of `shares`.

    `work` calls `ready` when it can serve, and returns the exit code.
    """

    def __init__(self, work: Work, shares: list[int], notice: Callable[[str], None]) -> None:
        self._work = work
        self._shares = shares
        self._notice = notice
        self._workers: dict[int, tuple[int, int]] = {}  # by pid: its share, and its pipe
        self._stopping = False

    def run(self) -> int:
        """Keep the workers running until SIGTERM, or until one gives up; return the exit code."""
        signal.signal(signal.SIGTERM, self._on_term)
        for share in self._shares:
            self._fork(share)
        code = 0
        while self._workers:
            pid, status = os.wait()
            if pid not in self._workers:
                continue  # a child of the function's own
            share, pipe = self._workers.pop(pid)
            was_ready = os.read(pipe, 1) != b""
            os.close(pipe)
            if self._stopping:
                continue
            exit_code = os.waitstatus_to_exitcode(status)
            if exit_code == 1 or not was_ready:
                code = 1
                self._stop()
            else:
                self._notice(f"Worker {pid} ended with {exit_code}; another takes its place.")
                self._fork(share)
        return code

    def _fork(self, share: int) -> None:
        reader, writer = os.pipe()
        sys.stdout.flush()
        # A SIGTERM that comes now waits until the worker is known, and can be told.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            os.close(reader)
            for _, pipe in self._workers.values():
                os.close(pipe)
            # Unwinds through the parent's frames, which have nothing to undo here.
            sys.exit(self._work(share, lambda: _say_ready(writer)))
        self._workers[pid] = share, reader
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.close(writer)

    def _on_term(self, _signal: int, _frame: Any) -> None:
        self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for pid in self._workers:
            os.kill(pid, signal.SIGTERM)


def _say_ready(writer: int) -> None:
    os.write(writer, b"\1")
    os.close(writer)
