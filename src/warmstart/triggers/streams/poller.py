"""Reads a stream for a function: an event source mapping at work.

Each shard has a task of its own, which begins when those of its parents have ended. The
list of shards is asked for at the beginning, when a shard ends, and now and then.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from warmstart.invoke import Invoker
from warmstart.triggers.clock import Clock
from warmstart.triggers.streams.batch import BatchHandler, Report, backoff
from warmstart.triggers.streams.failures import OnFailure, Place
from warmstart.triggers.streams.model import Position, Shard, Source, StreamMapping
from warmstart.triggers.streams.positions import Positions
from warmstart.triggers.streams.reader import ShardReader
from warmstart.triggers.streams.shards import beginnings, readable

__all__ = ["LISTED_EVERY", "StreamPoller"]

LISTED_EVERY = 30.0
"""Seconds."""

_logger = logging.getLogger(__name__)


class StreamPoller:
    """Reads one stream from `start` to `stop`."""

    def __init__(
        self,
        mapping: StreamMapping,
        source: Source,
        invoker: Invoker,
        positions: Positions,
        destination: OnFailure | None,
        report: Report,
        *,
        clock: Clock | None = None,
        listed_every: float = LISTED_EVERY,
    ) -> None:
        self._mapping = mapping
        self._source = source
        self._invoker = invoker
        self._positions = positions
        self._destination = destination
        self._report = report
        self._clock = clock or Clock()
        self._listed_every = listed_every
        self._known: dict[str, Position] = {}
        self._shards: dict[str, asyncio.Task[None]] = {}
        self._handlers: set[BatchHandler] = set()

    def start(self) -> None:
        """Begin to read."""
        self._known = self._positions.all(self._mapping.id)
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more, and return when what is at the function is done with.

        What it fails at comes again, if reading begins again.
        """
        await self._end_tasks()
        for handler in self._handlers:
            await handler.wait_idle()

    async def aclose(self) -> None:
        """Stop at once; what is under way comes again."""
        await self._end_tasks()
        for handler in self._handlers:
            handler.cancel()
            await handler.wait_idle()

    async def _end_tasks(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})
        tasks = set(self._shards.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _read(self) -> None:
        failures = 0
        while True:
            try:
                shards = await asyncio.to_thread(self._source.shards)
                self._begin(shards)
                failures = 0
            except Exception as error:  # noqa: BLE001 - the stream may come back
                failures += 1
                arn = self._mapping.stream_arn
                _logger.error("%s cannot be read, will try again: %s", arn, error)
                self._report(f"PROBLEM: {arn} cannot be read: {error}")
                await self._clock.sleep(backoff(failures))
                continue
            await self._wait_to_list()

    async def _wait_to_list(self) -> None:
        """Until a shard ends, or the time has come."""
        timer = asyncio.ensure_future(self._clock.sleep(self._listed_every))
        try:
            await asyncio.wait({timer, *self._shards.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        self._shards = {name: task for name, task in self._shards.items() if not task.done()}

    def _begin(self, shards: list[Shard]) -> None:
        """Read those shards whose turn it is."""
        now = self._clock.time()
        for shard_id, position in beginnings(shards, self._known, self._mapping.start).items():
            # The latest are told as a time, too, which has the same meaning after a restart.
            since = now if position.latest else position.since
            self._keep(shard_id, replace(position, since=since))
        for shard in readable(shards, self._known):
            if shard.id not in self._shards:
                self._shards[shard.id] = asyncio.create_task(self._read_shard(shard))
        for shard_id in self._shards.keys() - {shard.id for shard in shards}:
            self._shards[shard_id].cancel()  # its records are gone

    def _keep(self, shard_id: str, position: Position) -> None:
        self._known[shard_id] = position
        self._positions.put(self._mapping.id, shard_id, position)

    async def _read_shard(self, shard: Shard) -> None:
        handler = BatchHandler(
            self._mapping,
            Place(shard.id, self._source.batch_info),
            self._invoker,
            self._destination,
            self._clock,
            self._report,
        )
        self._handlers.add(handler)
        failures = 0
        while True:
            reader = ShardReader(
                self._mapping,
                shard,
                self._source,
                handler,
                self._known[shard.id],
                self._keep,
                self._clock,
                self._report,
            )
            try:
                await reader.read()
                self._handlers.discard(handler)
                return
            except Exception:  # a fault of ours must not end the reading
                failures += 1
                _logger.exception("%s is not read on", self._mapping.stream_arn)
                await handler.wait_idle()  # the position has one writer
                await self._clock.sleep(backoff(failures))
