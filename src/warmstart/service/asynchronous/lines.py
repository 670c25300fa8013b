"""Which work may start now: by due time, fair between keys, and no more than a key can take.

What is due stands in its key's line. Keys take turns, so a function with many
events does not hold up the others. A key's window bounds how many of its line are
under way: it grows while all goes well, first by one for each that was taken, and
shrinks to what went well when one was refused; from there it grows slowly, as TCP's
congestion window does. So a function that is throttled is tried about as often as
it can take, instead of every event's being refused in turn.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Lines"]

_FIRST_WINDOW = 16.0

_DOUBLING = 1.0
"""Seconds in which a window doubles at the most."""


@dataclass(slots=True)
class _Line:
    ready: deque[int] = field(default_factory=deque)
    under_way: int = 0
    window: float = _FIRST_WINDOW
    threshold: float = float("inf")
    before: float = _FIRST_WINDOW
    since: float = float("-inf")

    def grow(self, now: float) -> None:
        """One was taken, and more wait."""
        if now - self.since >= _DOUBLING:
            self.since, self.before = now, self.window
        grown = self.window + (1 if self.window < self.threshold else 1 / self.window)
        self.window = min(grown, max(self.window, 2 * self.before))


class Lines:
    """Ids of work, by key. At most `concurrency` are under way together."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._later: list[tuple[float, int, str]] = []
        self._lines: dict[str, _Line] = {}
        self._turns: deque[str] = deque()
        self.under_way = 0

    def __len__(self) -> int:
        """How many wait, due or not."""
        return len(self._later) + sum(len(line.ready) for line in self._lines.values())

    def push(self, key: str, number: int, due: float) -> None:
        """Add work that may start at `due`."""
        heapq.heappush(self._later, (due, number, key))

    def next_due(self) -> float | None:
        """When there may be more to start, if nothing else happens until then."""
        return self._later[0][0] if self._later else None

    def take(self, now: float) -> Iterator[tuple[str, int]]:
        """What starts now; it is under way from here on, until `finished`."""
        while self._later and self._later[0][0] <= now:
            _, number, key = heapq.heappop(self._later)
            line = self._lines.setdefault(key, _Line())
            if not line.ready:
                self._turns.append(key)
            line.ready.append(number)
        full = 0
        while full < len(self._turns) and self.under_way < self._concurrency:
            key = self._turns[0]
            self._turns.rotate(-1)
            line = self._lines[key]
            if line.under_way >= int(line.window):
                full += 1
                continue
            full = 0
            number = line.ready.popleft()
            if not line.ready:
                self._turns.remove(key)
            line.under_way += 1
            self.under_way += 1
            yield key, number

    def finished(self, key: str, now: float, *, refused: bool) -> None:
        """Work of that key is no longer under way. `refused` tells that it was not taken."""
        line = self._lines[key]
        line.under_way -= 1
        self.under_way -= 1
        if refused:
            line.threshold = line.window = max(1.0, min(line.window, line.under_way))
        elif line.ready and line.window < self._concurrency:
            line.grow(now)
