"""Reads topics for a function: an event source mapping at work.

    consumer ─ messages ─▶ a lane for each partition ─ batches ─▶ function
        ▲                       │
        └── offsets, once they are done with

Partitions go side by side, and each keeps its order: a batch that fails holds up its own
partition alone. What was read and is not done with comes again, here or to who has the
partition then.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from warmstart.invoke import MAX_PAYLOAD
from warmstart.triggers.kafka.consumer import Consumer, Key
from warmstart.triggers.kafka.event import kafka_record
from warmstart.triggers.streams.batch import BatchHandler, backoff
from warmstart.triggers.streams.lanes import Progress
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["KafkaPoller", "Lane"]

_logger = logging.getLogger(__name__)

_FRAME = 1024
"""Bytes of an event beside its records, generously."""

_MOST, _LEAST = 32 << 20, 8 << 20
"""Bytes that may wait in a lane: no more are read behind the first, and again under the second.
What the library has fetched and not given away is lost by a pause, so there are few of them."""


class Lane:
    """A partition's messages on their way to the function."""

    def __init__(
        self,
        mapping: StreamMapping,
        handler: BatchHandler,
        is_wanted: Callable[[Record], bool],
        advanced: Callable[[int], None],
    ) -> None:
        self.waiting: deque[Record] = deque()
        self.size = 0
        self.handler = handler
        self._offset = 0
        self._mapping = mapping
        self._is_wanted = is_wanted
        self._advanced = advanced
        self._came = asyncio.Event()
        self.task = asyncio.ensure_future(self._serve())

    def add(self, record: Record) -> None:
        """Take the next message."""
        self.waiting.append(record)
        self.size += _size(record)
        self._came.set()

    async def _serve(self) -> None:
        while True:
            batch, behind = await self._batch()
            await self._handle(batch)
            self._advance(behind)

    async def _handle(self, batch: list[Record]) -> None:
        """Return when all of it is done with: none may be passed over, whatever goes wrong."""
        progress = Progress(batch)

        def finish(records: Iterable[Record], _: str | None) -> None:
            reached = progress.finish(records)
            if reached is not None:
                self._advance(int(reached) + 1)

        failures = 0
        while left := progress.left():
            try:
                await self.handler.handle(left, finish)
            except Exception:  # a fault of ours must not end the lane
                failures += 1
                _logger.exception("A batch of %s is not done with", self._mapping.stream_arn)
                await asyncio.sleep(backoff(failures))

    def _advance(self, offset: int) -> None:
        if offset != self._offset:  # of a topic that was made anew, they begin again
            self._offset = offset
            self._advanced(offset)

    async def _batch(self) -> tuple[list[Record], int]:
        """The next batch of what is wanted, and the offset behind all that was looked at."""
        batch: list[Record] = []
        size, behind = _FRAME, 0
        deadline: float | None = None
        while len(batch) < self._mapping.batch_size:
            if not self.waiting and not await self._more(deadline):
                break
            record = self.waiting[0]
            if self._is_wanted(record):
                length = len(json.dumps(record.event)) + 2
                if batch and size + length > MAX_PAYLOAD:
                    break
                batch.append(record)
                size += length
            self.waiting.popleft()
            self.size -= _size(record)
            behind = int(record.sequence) + 1
            if deadline is None:
                deadline = asyncio.get_running_loop().time() + self._mapping.window
        return batch, behind

    async def _more(self, deadline: float | None) -> bool:
        """Whether something came before the deadline."""
        self._came.clear()
        try:
            async with asyncio.timeout_at(deadline):
                await self._came.wait()
        except TimeoutError:
            return False
        return True


def _size(record: Record) -> int:
    return _FRAME + len(record.event.get("value", "")) + len(record.event.get("key", ""))


class KafkaPoller:
    """Reads from `start` to `stop`."""

    def __init__(
        self,
        mapping: StreamMapping,
        make_consumer: Callable[..., Consumer],
        make_handler: Callable[[Key], BatchHandler],
        is_wanted: Callable[[Record], bool],
        report: Callable[[str], None],
    ) -> None:
        self._mapping = mapping
        self._make_handler = make_handler
        self._is_wanted = is_wanted
        self._report = report
        self._lanes: dict[Key, Lane] = {}
        self._paused: set[Key] = set()
        self._offsets: dict[Key, int] = {}
        self._consumer = make_consumer(
            revoked=self._revoked, done=self._done, trouble=self._trouble
        )

    def start(self) -> None:
        """Begin to read."""
        self._consumer.subscribe()
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more, and return when nothing is at the function."""
        await self._end(cancel=False)

    async def aclose(self) -> None:
        """Stop at once; what is under way comes again."""
        await self._end(cancel=True)

    async def _end(self, *, cancel: bool) -> None:
        self._reading.cancel()
        lanes = list(self._lanes.values())
        for lane in lanes:
            lane.task.cancel()
        await asyncio.wait({self._reading, *(lane.task for lane in lanes)})
        for lane in lanes:
            if cancel:
                lane.handler.cancel()
            await lane.handler.wait_idle()
        await self._consumer.close(self._offsets)

    async def _read(self) -> None:
        failures = 0
        while True:
            try:
                for message in await self._consumer.messages():
                    self._take((message.topic(), message.partition()), kafka_record(message))
                failures = 0
            except Exception as error:  # the cluster may come back
                failures += 1
                _logger.exception("%s is not read on", self._mapping.stream_arn)
                self._trouble(str(error))
                await asyncio.sleep(backoff(failures))

    def _take(self, key: Key, record: Record) -> None:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(
                self._mapping,
                self._make_handler(key),
                self._is_wanted,
                lambda offset: self._advanced(key, offset),
            )
        lane.add(record)
        if lane.size > _MOST and key not in self._paused:
            self._paused.add(key)
            self._consumer.pause(key)

    def _advanced(self, key: Key, offset: int) -> None:
        self._offsets[key] = offset
        self._consumer.commit({key: offset})
        if key in self._paused and self._lanes[key].size < _LEAST:
            self._paused.discard(key)
            self._consumer.resume(key)

    def _done(self, keys: Iterable[Key]) -> Mapping[Key, int]:
        offsets = dict(self._offsets)
        return {key: offsets[key] for key in keys if key in offsets}

    def _revoked(self, keys: Iterable[Key]) -> None:
        for key in keys:
            lane = self._lanes.pop(key, None)
            self._offsets.pop(key, None)
            self._paused.discard(key)
            if lane is not None:
                lane.task.cancel()

    def _trouble(self, text: str) -> None:
        _logger.error("%s: %s", self._mapping.stream_arn, text)
        self._report(f"PROBLEM: {text}")
