"""Log events on their way to the functions that are subscribed to their groups.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html

    LogFiles ─▶ Subscribed ─▶ async invoke

What is logged is gathered for a moment, since a function writes many lines at once, and
sent in batches, a stream's in order. What cannot be kept by async invoke, as on a full
disk, is tried again, and later batches wait for it; the oldest are lost, and that is
logged, where more wait than may. Batches that have not been kept when the process is
killed are not sent: the log itself has their events.

A function that gets what it logs would log for ever. So none is sent its own log group.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from warmstart.invoke import InvokeError, RequestTooLarge
from warmstart.service.api.errors import ApiError
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.logs.patterns import Matcher

__all__ = ["Filter", "Subscribed", "awslogs_event"]

_logger = logging.getLogger(__name__)

DELAY = 0.05
"""Seconds that a log event may wait for others to be sent with it."""

PAUSE = 1.0
"""Seconds until what was not kept is tried again."""

WAITING = 1000
"""Batches that wait at the most."""

BATCH = 512 * 1024
"""Bytes of messages in a batch, unless one is longer: gzipped and in base64 they are an event."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Sends a group's events that match to a function."""

    name: str
    group: str
    matches: Matcher
    function: str
    qualifier: str | None = None


class Enqueuer(Protocol):
    """Invokes functions asynchronously."""

    async def enqueue(self, function: str, qualifier: str | None, payload: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    filter: Filter
    payload: bytes


class Subscribed:
    """An asynchronous context manager; leaving it sends what has been gathered.

    `filters` tells those of a group, `log_group` where the function of an ARN logs.
    """

    def __init__(
        self,
        enqueuer: Enqueuer,
        filters: Callable[[str], Sequence[Filter]],
        log_group: Callable[[str], str],
        arns: Arns,
        clock: Clock,
    ) -> None:
        self._enqueuer = enqueuer
        self._arns = arns
        self._filters = filters
        self._log_group = log_group
        self._ids = count(int(clock.time() * 1e9))
        self._gathered: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._batches: deque[_Batch] = deque()
        self._written = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Subscribed:
        self._sending = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        self._pack()
        await self._send()

    def on_write(self, group: str, stream: str, events: Iterable[tuple[int, str]]) -> None:
        """Take (timestamp, message) pairs that are written to a stream."""
        if not self._filters(group):
            return
        gathered = self._gathered.setdefault((group, stream), [])
        for timestamp, message in events:
            # As long as AWS's, and as opaque.
            told = f"{timestamp:020d}{next(self._ids):036d}"
            gathered.append({"id": told, "timestamp": timestamp, "message": message})
        self._written.set()

    async def _run(self) -> None:
        while True:
            await self._written.wait()
            await asyncio.sleep(DELAY)
            self._written.clear()
            self._pack()
            while not await self._send():
                await asyncio.sleep(PAUSE)
                self._pack()

    def _pack(self) -> None:
        """Make batches of what has been gathered."""
        gathered, self._gathered = self._gathered, {}
        for (group, stream), events in gathered.items():
            for each in self._filters(group):
                if self._is_own(each):
                    continue
                wanted = [event for event in events if each.matches(event["message"])]
                self._batches += (
                    _Batch(each, awslogs_event(self._arns.account, each, stream, part))
                    for part in _parts(wanted)
                )
        while len(self._batches) > WAITING:
            lost = self._batches.popleft().filter
            _logger.error("Log events of %s are lost to %s: too many wait", lost.group, lost.name)

    def _is_own(self, each: Filter) -> bool:
        """Whether a filter's group is its function's; that one may have been configured later."""
        try:
            return self._log_group(self._arns.function(each.function, each.qualifier)) == each.group
        except ApiError:  # there is no such function, or not yet
            return False

    async def _send(self) -> bool:
        """Send the batches; whether all are kept."""
        while self._batches:
            batch = self._batches[0]
            to = batch.filter
            try:
                await self._enqueuer.enqueue(to.function, to.qualifier, batch.payload)
            except RequestTooLarge as error:
                _logger.error("Log events of %s are lost to %s: %s", to.group, to.name, error)
            except InvokeError as error:
                _logger.warning("Log events of %s wait for %s: %s", to.group, to.name, error)
                return False
            self._batches.popleft()
        return True


def awslogs_event(owner: str, to: Filter, stream: str, events: Sequence[dict[str, Any]]) -> bytes:
    """What a function gets of a stream's log events."""
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": owner,
        "logGroup": to.group,
        "logStream": stream,
        "subscriptionFilters": [to.name],
        "logEvents": events,
    }
    packed = gzip.compress(json.dumps(data, ensure_ascii=False).encode(errors="replace"), mtime=0)
    return json.dumps({"awslogs": {"data": base64.b64encode(packed).decode()}}).encode()


def _parts(events: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for event in events:
        length = len(event["message"].encode(errors="replace"))
        if part and size + length > BATCH:
            yield part
            part, size = [], 0
        part.append(event)
        size += length
    if part:
        yield part
