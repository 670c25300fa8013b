"""Which firings of a schedule are due, and what becomes of those that were missed. Pure.

A schedule has one firing that is pending, and it is all that must be remembered of
it. `decide` holds it to the time: the firings to be made now, and the one that is
pending then. Nothing goes back: a clock that is set back repeats no firing.

Firings are missed when no server runs (or it sleeps, or the clock is set forward):

- A rule makes up for all of them with one, the latest.
- Scheduler makes up for each of them whose age is not beyond the schedule's
  `MaximumEventAgeInSeconds`, as AWS's goes on trying for so long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from warmstart.triggers.schedules.expressions import At, Schedule

__all__ = ["Decision", "Timetable"]

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Decision:
    """The firings to be made now, by their scheduled times, and the pending one."""

    firings: list[datetime]
    pending: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The firings of a schedule between `start` and `end`.

    `maximum_age` is how old a firing may get and still be made; without it, only
    the latest is. A flexible `window` puts each firing off by a part of it that
    follows from `name` and the scheduled time, so that every server knows it.
    """

    name: str
    schedule: Schedule
    start: datetime | None = None
    end: datetime | None = None
    maximum_age: timedelta | None = None
    window: timedelta = timedelta(0)

    def next(self, after: datetime) -> datetime | None:
        """The first scheduled time after `after`."""
        if isinstance(self.schedule, At):  # start and end are not for it
            return self.schedule.next(after)
        if self.start is not None:
            after = max(after, self.start - _INSTANT)
        time = self.schedule.next(after)
        return None if time is None or (self.end is not None and time > self.end) else time

    def due(self, scheduled: datetime) -> datetime:
        """When the firing of a scheduled time is made."""
        if not self.window:
            return scheduled
        digest = sha256(f"{self.name} {scheduled.isoformat()}".encode()).digest()
        return scheduled + self.window * (int.from_bytes(digest[:4]) / 2**32)

    def decide(self, pending: datetime, now: datetime) -> Decision:
        """What to do at a time about the firing that is pending."""
        first = self._first_wanted(pending, now)
        firings = []
        while first is not None and self.due(first) <= now:
            firings.append(first)
            first = self.next(first)
        return Decision(firings, first)

    def _first_wanted(self, pending: datetime, now: datetime) -> datetime | None:
        if self.maximum_age is None:
            return self._latest(pending, now)
        oldest = now - self.maximum_age - self.window
        return pending if pending >= oldest else self.next(oldest - _INSTANT)

    def _latest(self, pending: datetime, now: datetime) -> datetime:
        """The last scheduled time that is not after `now`, but `pending` at the earliest."""
        span = timedelta(minutes=1)
        latest = pending
        while now - span > pending:  # looking back further and further, there is soon one
            found = self.next(now - span)
            if found is not None and found <= now:
                latest = found
                break
            span *= 2
        while (following := self.next(latest)) is not None and following <= now:
            latest = following
        return latest
