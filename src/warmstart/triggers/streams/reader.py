"""Reads one shard to its end.

Records are gathered to a batch, or to one for each lane of the parallelisation factor,
handled, and only then read on. The position is written with each batch that is done with.
An iterator that is lost, as by expiring, is made anew behind what was read; after any other
error a new reader begins at the position.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from warmstart.invoke import MAX_PAYLOAD
from warmstart.triggers.clock import Clock
from warmstart.triggers.streams.batch import BatchHandler, Finish, Report, backoff
from warmstart.triggers.streams.filters import record_filter
from warmstart.triggers.streams.lanes import Progress, batches, lanes
from warmstart.triggers.streams.model import Answer, Position, Record, Shard, Source, StreamMapping
from warmstart.triggers.streams.windows import MAX_STATE, by_window, window_members

__all__ = ["ShardReader", "pause"]

_SHORTEST, _LONGEST = 0.25, 10.0
_logger = logging.getLogger(__name__)

Keep = Callable[[str, Position], None]
"""Writes a shard's position down."""


def pause(idle: float) -> float:
    """Seconds until a shard is read again that has been idle for so many.

    AWS reads a shard of DynamoDB four times a second. A stream on which nothing happens is
    not worth that: it waits for a tenth of the time that it has been waiting already.
    """
    return min(_LONGEST, max(_SHORTEST, idle / 10))


class ShardReader:
    """`position` is where it begins; `keep` writes down where it is then."""

    def __init__(
        self,
        mapping: StreamMapping,
        shard: Shard,
        source: Source,
        handler: BatchHandler,
        position: Position,
        keep: Keep,
        clock: Clock,
        report: Report,
    ) -> None:
        self._mapping = mapping
        self._shard = shard
        self._source = source
        self._handler = handler
        self._position = position
        self._keep = keep
        self._clock = clock
        self._report = report
        self._wanted = record_filter(mapping.patterns)
        self._iterator: str | None = None
        self._read_to: str | None = None
        self._most = mapping.batch_size * mapping.parallelization_factor

    async def read(self) -> None:
        """Return when all records of the shard are done with."""
        idle_since = self._clock.time()
        while not self._position.finished:
            gathered, ended = await self._gather()
            if gathered:
                await self._handle(gathered)
                idle_since = self._clock.time()
            await self._end_window_in_time(ended=ended)
            if ended:
                self._move(replace(self._position, finished=True))
            elif not gathered:
                await self._clock.sleep(pause(self._clock.time() - idle_since))

    # Reading

    async def _gather(self) -> tuple[list[Record], bool]:
        """The records for the next batches, within the batching window; whether these are all."""
        gathered: list[Record] = []
        length = 0
        end = self._clock.time() + self._mapping.window
        while True:
            answer = await self._read(self._most - len(gathered))
            gathered += answer.records
            length += sum(len(json.dumps(record.event)) for record in answer.records)
            if answer.next is None:
                return gathered, True
            left = end - self._clock.time()
            full = len(gathered) >= self._most or length >= MAX_PAYLOAD
            if not gathered or full or left <= 0:
                return gathered, False
            await self._clock.sleep(min(left, 1.0))

    async def _read(self, limit: int) -> Answer:
        """What is there, if need be after some attempts."""
        from botocore.exceptions import BotoCoreError, ClientError

        attempts = 0
        while True:
            try:
                return await self._read_once(min(limit, self._source.most))
            except (BotoCoreError, ClientError) as error:
                self._iterator = None
                if _code(error) != "ExpiredIteratorException":
                    arn = self._mapping.stream_arn
                    _logger.error("%s cannot be read, will try again: %s", arn, error)
                    self._report(f"PROBLEM: {arn} cannot be read: {error}")
            attempts += 1
            await self._clock.sleep(backoff(attempts))

    async def _read_once(self, limit: int) -> Answer:
        if self._iterator is None:
            # What was read and is not done with yet has been gathered already.
            place = replace(self._position, sequence=self._read_to or self._position.sequence)
            self._iterator = await asyncio.to_thread(self._source.iterator, self._shard.id, place)
            # What comes from now on is wanted, also if this iterator is lost.
            self._position = replace(self._position, latest=False)
        answer = await asyncio.to_thread(self._source.read, self._shard.id, self._iterator, limit)
        self._iterator = answer.next
        if answer.records:
            self._read_to = answer.records[-1].sequence
        since = self._position.since
        if since is None or self._position.sequence is not None:
            return answer
        # Not every stream can be read from a time on; its own clock may know whole seconds.
        fresh = [record for record in answer.records if record.arrived >= since // 1]
        return replace(answer, records=fresh)

    # Handling

    async def _handle(self, records: list[Record]) -> None:
        progress = Progress(records)

        def finish(done: Iterable[Record], state: str | None) -> None:
            sequence = progress.finish(done)
            position = self._position
            if position.window is not None and state is not None:
                position = replace(position, state=state)
            self._move(replace(position, sequence=sequence or position.sequence))

        wanted = [record for record in records if self._wanted(record.event)]
        chosen = {record.sequence for record in wanted}
        finish([record for record in records if record.sequence not in chosen], None)
        if self._mapping.tumbling_window:
            await self._handle_windows(wanted, finish)
            return
        async with asyncio.TaskGroup() as group:
            for lane in lanes(wanted, self._mapping.parallelization_factor):
                group.create_task(self._handle_lane(lane, finish))

    async def _handle_lane(self, records: list[Record], finish: Finish) -> None:
        for batch in batches(records, self._mapping.batch_size):
            await self._handler.handle(batch, finish)

    def _move(self, position: Position) -> None:
        if position != self._position:
            self._keep(self._shard.id, position)
            self._position = position

    # Tumbling windows

    async def _handle_windows(self, records: list[Record], finish: Finish) -> None:
        for window, found in by_window(records, self._mapping.tumbling_window):
            if self._position.window is not None and window > self._position.window:
                await self._end_window()
            if self._position.window is None:
                self._move(replace(self._position, window=window, state="{}"))
            for batch in batches(found, self._mapping.batch_size):
                await self._handler.handle(batch, finish, self._members())
                if len(self._position.state) > MAX_STATE:
                    await self._end_window(early=True)
                    self._move(replace(self._position, window=window))

    async def _end_window_in_time(self, *, ended: bool) -> None:
        window = self._position.window
        if window is None:
            return
        if ended or self._clock.time() >= window + self._mapping.tumbling_window:
            await self._end_window()

    async def _end_window(self, *, early: bool = False) -> None:
        def end(_: Iterable[Record], __: str | None) -> None:
            self._move(replace(self._position, window=None, state="{}"))

        await self._handler.handle((), end, self._members(final=True, early=early))

    def _members(self, *, final: bool = False, early: bool = False) -> dict[str, Any]:
        assert self._position.window is not None
        return window_members(
            self._position.window,
            self._mapping.tumbling_window,
            self._position.state,
            self._shard.id,
            self._mapping.stream_arn,
            final=final,
            early=early,
        )


def _code(error: Exception) -> str:
    response: Any = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))
