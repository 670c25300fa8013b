"""Fires schedules: hands the event of each firing to a function's asynchronous invocations.

What is pending is in a SQLite file, and a firing is made within the transaction that
moves on to the next one. So a firing whose event was not taken is still pending after
a kill, and two servers on one file make each firing once, because the transactions of
the file exclude each other. Between the event being taken and the commit a kill leads
to a second event, as on AWS: at least once. Both have the same id, and are invoked
under it as their request id.

Beside that there is one timer, for the earliest of all firings.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from uuid import NAMESPACE_URL, uuid5

from warmstart.invoke import InvokeError
from warmstart.triggers.clock import Clock
from warmstart.triggers.database import connect, transaction
from warmstart.triggers.enqueuer import Account, Enqueuer
from warmstart.triggers.schedules.definitions import Definition
from warmstart.triggers.schedules.timetable import Timetable

__all__ = ["Schedules"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schedules (
    arn TEXT PRIMARY KEY, timing TEXT NOT NULL, created TEXT NOT NULL, pending TEXT
) WITHOUT ROWID
"""
_LONGEST = 60.0
"""Seconds of sleep: a clock that is set is noticed so soon."""

_RETRY = 1.0
"""Seconds until a firing is tried again whose event was not taken."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    definition: Definition
    timetable: Timetable


class Schedules:
    """An asynchronous context manager; entering it goes on where the file was left.

    A schedule that is new in `definitions`, or whose times have changed, begins now;
    one that is no longer among them is forgotten. Servers that share the file
    must have the same definitions.
    """

    def __init__(
        self,
        path: Path,
        definitions: Iterable[Definition],
        enqueuer: Enqueuer,
        *,
        account: Account | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._account = account or Account()
        self._definitions = {each.arn(self._account): each for each in definitions}
        self._enqueuer = enqueuer
        self._clock = clock or Clock()
        self._running: dict[str, _Running] = {}

    async def __aenter__(self) -> Schedules:
        """Open the file. Raises `sqlite3.Error` if that cannot be."""
        self._connection = connect(self._path, _SCHEMA)
        try:
            async with transaction(self._connection):
                self._reconcile()
        except BaseException:
            self._connection.close()
            raise
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        self._connection.close()

    def pending(self) -> dict[str, datetime]:
        """The next firing of each schedule that has one, by the schedule's ARN."""
        rows = self._connection.execute("SELECT arn, pending FROM schedules WHERE pending NOT NULL")
        return {arn: datetime.fromisoformat(time) for arn, time in rows}

    def _reconcile(self) -> None:
        """Have the file tell of the schedules that there are."""
        now = self._clock.now().replace(microsecond=0)
        rows = self._connection.execute("SELECT arn, timing, created FROM schedules").fetchall()
        known = {arn: (timing, created) for arn, timing, created in rows}
        for arn in known.keys() - self._definitions.keys():
            self._connection.execute("DELETE FROM schedules WHERE arn = ?", (arn,))
        for arn, definition in self._definitions.items():
            timing, created = known.get(arn, ("", ""))
            begins = timing != definition.timing()
            timetable = definition.timetable(
                arn, now if begins else datetime.fromisoformat(created)
            )
            self._running[arn] = _Running(definition, timetable)
            if begins:
                # A rate of Scheduler's without a start fires at once.
                pending = timetable.next(now - timedelta(microseconds=1))
                self._connection.execute(
                    "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?)",
                    (arn, definition.timing(), now.isoformat(), pending and pending.isoformat()),
                )

    async def _run(self) -> None:
        while True:
            wait: float | None
            try:
                async with transaction(self._connection):
                    taken = await self._fire()
                wait = self._until_next() if taken else _RETRY
            except Exception:  # a full disk, or a fault of ours: neither must end all schedules
                _logger.exception("Schedules could not be fired, will try again")
                wait = _RETRY
            if wait is None:
                return
            await self._clock.sleep(min(wait, _LONGEST))

    def _until_next(self) -> float | None:
        """Seconds until something is due."""
        due = [self._running[arn].timetable.due(time) for arn, time in self.pending().items()]
        return max(0.0, (min(due) - self._clock.now()).total_seconds()) if due else None

    async def _fire(self) -> bool:
        """Make all firings that are due; tells whether all of their events were taken."""
        now = self._clock.now()
        due = [
            self._fire_one(arn, pending, now)
            for arn, pending in self.pending().items()
            if self._running[arn].timetable.due(pending) <= now
        ]
        return all(await asyncio.gather(*due))

    async def _fire_one(self, arn: str, pending: datetime, now: datetime) -> bool:
        running = self._running[arn]
        decision = running.timetable.decide(pending, now)
        following, taken = decision.pending, True
        for scheduled in decision.firings:
            try:
                await self._enqueue(arn, running.definition, scheduled)
            except InvokeError as error:
                _logger.error("%s is due and cannot fire, will try again: %s", arn, error.message)
                following, taken = scheduled, False
                break
        self._connection.execute(
            "UPDATE schedules SET pending = ? WHERE arn = ?",
            (following and following.isoformat(), arn),
        )
        return taken

    async def _enqueue(self, arn: str, definition: Definition, scheduled: datetime) -> None:
        firing = str(uuid5(NAMESPACE_URL, f"{arn} {scheduled.isoformat()}"))
        target = definition.target
        await self._enqueuer.enqueue(
            target.function,
            target.qualifier,
            definition.payload(self._account, firing, scheduled),
            request_id=firing,
        )
