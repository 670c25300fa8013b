"""A partition's messages on their way to the function, in their order.

A batch that fails holds up its own partition alone, and none is passed over.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable

from warmstart.invoke import MAX_PAYLOAD
from warmstart.triggers.streams.batch import BatchHandler, backoff
from warmstart.triggers.streams.lanes import Progress
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["Lane"]

_logger = logging.getLogger(__name__)

_FRAME = 1024
"""Bytes of an event beside its records, generously."""


class Lane:
    """Takes messages and hands them on until its task is cancelled.

    `advanced` hears how far it is: of the offset behind all that is done with.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        handler: BatchHandler,
        is_wanted: Callable[[Record], bool],
        advanced: Callable[[int], None],
    ) -> None:
        self.waiting: deque[Record] = deque()
        self.size = 0
        self._handler = handler
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
        await self._handler.wait_idle()  # if it had the partition before, and lost it
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
                await self._handler.handle(left, finish)
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
