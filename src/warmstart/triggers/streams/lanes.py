"""Batches of a shard that go side by side, and how far the shard then is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from zlib import crc32

from warmstart.triggers.queues.batches import split
from warmstart.triggers.streams.model import Record

__all__ = ["Progress", "batches", "lanes"]


def lanes(records: Iterable[Record], count: int) -> list[list[Record]]:
    """At most `count` lists, with all records of a key in one of them, in their order."""
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(crc32(record.key.encode()) % count, []).append(record)
    return list(found.values())


def batches(records: Sequence[Record], size: int) -> Iterator[tuple[Record, ...]]:
    """Batches of at most `size` records, each short enough for an invocation."""
    left = iter(records)
    for batch in split((dict(record.event) for record in records), size):
        yield tuple(islice(left, len(batch)))


class Progress:
    """Records that are done with in any order.

    A shard's position is before the first that is not.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = list(records)
        self._done: set[str] = set()
        self._at = 0

    def finish(self, records: Iterable[Record]) -> str | None:
        """The last record up to which all are done with, if it moved."""
        self._done.update(record.sequence for record in records)
        before = self._at
        while self._at < len(self._records) and self._records[self._at].sequence in self._done:
            self._at += 1
        return self._records[self._at - 1].sequence if self._at > before else None

    def left(self) -> tuple[Record, ...]:
        """Those that are not done with."""
        return tuple(each for each in self._records if each.sequence not in self._done)
