"""From what a program writes to lines.

A pipe is read by the event loop, and by `drain` whenever something is about to be said
of the environment: what a program wrote before it posted a response is then in the log
before the response's REPORT, and attributed to the right invocation.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

__all__ = ["MAX_LINE", "Lines", "Pipe"]

_READ = 65536

MAX_LINE = 256 * 1024
"""Bytes. The longest event CloudWatch Logs takes; a longer line is split."""


class Lines:
    """Calls `on_output` with each line that is complete."""

    def __init__(self, on_output: Callable[[str], None]) -> None:
        self._on_output = on_output
        self._partial = b""

    def feed(self, data: bytes) -> None:
        """Take what was written next."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._line(line)
        while len(self._partial) > MAX_LINE:
            head, self._partial = self._partial[:MAX_LINE], self._partial[MAX_LINE:]
            self._line(head)

    def end(self) -> None:
        """There is no more: what is left is a line, too."""
        if self._partial:
            self._line(self._partial)
            self._partial = b""

    def _line(self, line: bytes) -> None:
        self._on_output(line.decode(errors="replace"))


class Pipe:
    """Reads one end of a pipe as something comes, until the other end is closed everywhere.

    Both ends are its own: `writer` is to be given to a program, and `close_writer` to be called.
    `ends` are those of one that is there, reader and writer.
    """

    def __init__(
        self, on_output: Callable[[str], None], ends: tuple[int, int] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = os.pipe() if ends is None else ends
        self._lines = Lines(on_output)
        self._open = True
        os.set_blocking(self._reader, False)
        self._loop.add_reader(self._reader, self._read)

    def close_writer(self) -> None:
        """The program has its own copy by now."""
        os.close(self.writer)

    def drain(self) -> None:
        """Report all that has been written until now."""
        # One read: `_READ` is all that a pipe holds.
        if self._open:
            self._read()

    def close(self) -> None:
        """Read no more."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._reader)
            os.close(self._reader)
            self._lines.end()

    def _read(self) -> None:
        try:
            data = os.read(self._reader, _READ)
        except BlockingIOError:
            return
        if data:
            self._lines.feed(data)
        else:
            self.close()
