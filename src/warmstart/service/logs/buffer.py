"""Telemetry that waits to be sent to one subscriber: when it is due, and what is lost. Pure.

A portion is due when there are enough records, enough bytes, or when the oldest
has waited long enough. What comes while the subscriber is behind is kept up to
twice a portion, and then dropped, which the next portion tells.

What a subscriber itself has written does not make a portion due: else each one
that it receives, and remarks on in its own log, would bring about the next, for
ever. It travels with what others write.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Buffer"]

_BEHIND = 2
"""Portions. AWS tells subscribers to expect no more than that at once."""


class Buffer:
    """Records as JSON, in order. `dropped` and `dropped_bytes` tell what was lost."""

    def __init__(self, max_items: int, max_bytes: int, timeout: float) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._records: deque[bytes] = deque()
        self._size = 0
        self._since: float | None = None
        self._flushed = False
        self.dropped = 0
        self.dropped_bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: bytes, now: float, *, own: bool = False) -> None:
        """A record has come; `own` if the subscriber wrote it."""
        size = len(record)
        full = len(self._records) >= _BEHIND * self._max_items
        if full or self._size + size > _BEHIND * self._max_bytes:
            self.dropped += 1
            self.dropped_bytes += size
            return
        self._records.append(record)
        self._size += size
        if self._since is None and not own:
            self._since = now

    def flush(self) -> None:
        """Let everything be due that there is, and no more once that is taken."""
        self._flushed = bool(self._records)

    def due_at(self) -> float | None:
        """When the next portion is due; `None` if nothing is to be sent."""
        if self._flushed or len(self._records) >= self._max_items or self._size >= self._max_bytes:
            return 0.0
        return None if self._since is None else self._since + self._timeout

    def take(self, now: float) -> tuple[list[bytes], int, int]:
        """A portion, and how many records and bytes were lost before it."""
        portion: list[bytes] = []
        size = 0
        while self._records and len(portion) < self._max_items:
            if portion and size + len(self._records[0]) > self._max_bytes:
                break
            portion.append(self._records.popleft())
            size += len(portion[-1])
        self._size -= size
        self._since = now if self._records else None
        self._flushed = self._flushed and bool(self._records)
        lost = self.dropped, self.dropped_bytes
        self.dropped = self.dropped_bytes = 0
        return portion, *lost
