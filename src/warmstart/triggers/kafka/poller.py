"""Reads topics for a function: an event source mapping at work.

What the cluster asks of its clients is found out first, which may take some attempts: a
secret may be missing yet. Then a member of the consumer group reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from warmstart.triggers.kafka.member import Member
from warmstart.triggers.pollers import NotRead
from warmstart.triggers.streams.batch import Report, backoff

__all__ = ["KafkaPoller"]

_logger = logging.getLogger(__name__)


class KafkaPoller:
    """Reads from `start` to `stop`.

    `settings` finds out, in a thread, what the settings of a client are; `join` makes a
    member with them. Both raise `NotRead`.
    """

    def __init__(
        self,
        settings: Callable[[], Mapping[str, Any]],
        join: Callable[[Mapping[str, Any]], Member],
        report: Report,
    ) -> None:
        self._settings = settings
        self._join = join
        self._report = report
        self._member: Member | None = None

    def start(self) -> None:
        """Begin to read."""
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more, and return when what is at the function is done with."""
        await self._end(cancel=False)

    async def aclose(self) -> None:
        """Stop at once; what is under way comes again."""
        await self._end(cancel=True)

    async def _end(self, *, cancel: bool) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})
        if self._member is not None:
            await self._member.end(cancel=cancel)

    async def _read(self) -> None:
        failures = 0
        while self._member is None:
            try:
                self._member = self._join(await asyncio.to_thread(self._settings))
            except Exception as error:  # what is missing may come
                failures += 1
                trace = not isinstance(error, NotRead)  # a fault of ours
                _logger.error("Kafka is not read, will try again: %s", error, exc_info=trace)
                self._report(f"PROBLEM: {error}")
                await asyncio.sleep(backoff(failures))
        await self._member.read()
