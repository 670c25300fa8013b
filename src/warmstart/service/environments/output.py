"""From what a program writes to lines."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MAX_LINE", "Lines"]

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
