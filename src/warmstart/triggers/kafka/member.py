"""A member of a consumer group at work.

    consumer ─ messages ─▶ a lane for each partition ─ batches ─▶ function
        ▲                       │
        └── offsets, once they are done with

Partitions go side by side, and each keeps its order. What was read and is not done with
comes again, here or to who has the partition then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from warmstart.triggers.kafka.consumer import Consumer, Key
from warmstart.triggers.kafka.event import kafka_record
from warmstart.triggers.kafka.lane import Lane
from warmstart.triggers.streams.batch import BatchHandler, Report, backoff
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["Member"]

_logger = logging.getLogger(__name__)

_MOST, _LEAST = 32 << 20, 8 << 20
"""Bytes that may wait in a lane: no more are read behind the first, and again under the second.
What the library has fetched and not given away is lost by a pause, so there are few of them."""


class Member:
    """`read` reads until it is cancelled; end it with `end` then.

    `report` takes what the mapping's `LastProcessingResult` says from now on.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        make_consumer: Callable[..., Consumer],
        make_handler: Callable[[Key], BatchHandler],
        is_wanted: Callable[[Record], bool],
        report: Report,
    ) -> None:
        self._mapping = mapping
        self._make_handler = make_handler
        self._is_wanted = is_wanted
        self._report = report
        self._handlers: dict[Key, BatchHandler] = {}
        self._lanes: dict[Key, Lane] = {}
        self._paused: set[Key] = set()
        self._offsets: dict[Key, int] = {}
        self._consumer = make_consumer(
            revoked=self._revoked, done=self._done, trouble=self._trouble
        )

    async def read(self) -> None:
        """Join the group, and hand out what there is."""
        self._consumer.subscribe()
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

    async def end(self, *, cancel: bool) -> None:
        """Leave the group.

        What is at the function is waited for, and committed if it is done with then; or it is
        cancelled, and comes again.
        """
        for lane in self._lanes.values():
            lane.task.cancel()
        if self._lanes:
            await asyncio.wait({lane.task for lane in self._lanes.values()})
        for handler in self._handlers.values():
            if cancel:
                handler.cancel()
            await handler.wait_idle()
        await self._consumer.close(self._offsets)

    def _take(self, key: Key, record: Record) -> None:
        if key not in self._lanes:
            self._lanes[key] = self._lane(key)
        lane = self._lanes[key]
        lane.add(record)
        if lane.size > _MOST and key not in self._paused:
            self._paused.add(key)
            self._consumer.pause(key)

    def _lane(self, key: Key) -> Lane:
        if key not in self._handlers:
            self._handlers[key] = self._make_handler(key)

        def advanced(offset: int) -> None:
            if self._lanes.get(key) is lane:  # else the partition is another's now
                self._advanced(key, offset)

        lane = Lane(self._mapping, self._handlers[key], self._is_wanted, advanced)
        return lane

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
