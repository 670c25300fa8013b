"""CloudWatch Logs' operations on log events: put, get, and search.

Files are read in a thread, since a search may have to look at many of them. A
page ends after as many events as were asked for or where its messages would
take more than AWS gives at once.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.clock import Clock
from warmstart.service.logs.files import LogEvent, LogFiles, NoSuchPlace
from warmstart.service.logs.groups import existing_group
from warmstart.service.logs.patterns import InvalidPattern, matcher
from warmstart.service.logs.tokens import decoded, encoded, invalid_token

__all__ = ["LogEvents"]

PAGE = 1024 * 1024
"""Bytes of messages in a page, each event counting `OVERHEAD` more."""

OVERHEAD = 26

LIMIT = 10_000
"""Events in a page."""

SEARCHED = 32 * 1024 * 1024
"""Bytes of a file that are searched for one page, which may then be empty, as on AWS."""

_DAY = 86_400_000


class LogEvents:
    """The events of all streams."""

    def __init__(self, files: LogFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock

    @operation("PutLogEvents")
    def put(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        stream = self._existing_stream(group, parameters["logStreamName"])
        now = int(self._clock.time() * 1000)
        events = [(event["timestamp"], event["message"]) for event in parameters["logEvents"]]
        if any(a[0] > b[0] for a, b in pairwise(events)):
            raise ApiError(
                "InvalidParameterException",
                "Log events in a single PutLogEvents request must be in chronological order.",
            )
        size = sum(len(message.encode(errors="replace")) + OVERHEAD for _, message in events)
        if size > PAGE:
            raise ApiError(
                "InvalidParameterException",
                f"Upload too large: {size} bytes exceeds limit of {PAGE}",
            )
        kept = [event for event in events if now - 14 * _DAY <= event[0] <= now + 2 * 3_600_000]
        if kept:
            self._files.write(group, stream, kept, now)
        self._files.flush()
        return {"nextSequenceToken": encoded(now), **_rejected(events, now)}

    @operation("GetLogEvents")
    async def get(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        stream = self._existing_stream(group, parameters["logStreamName"])
        return await _paged(self._get, group, stream, parameters)

    @operation("FilterLogEvents")
    async def filter(self, parameters: Members) -> Members:
        group = existing_group(self._files, parameters)
        if "logStreamNames" in parameters and "logStreamNamePrefix" in parameters:
            raise ApiError(
                "InvalidParameterException",
                "Give logStreamNames or logStreamNamePrefix, not both.",
            )
        try:
            matches = matcher(parameters.get("filterPattern", ""))
        except InvalidPattern as error:
            raise ApiError(
                "InvalidParameterException", f"Invalid filter pattern: {error}"
            ) from None
        return await _paged(self._filter, group, parameters, matches)

    def _existing_stream(self, group: str, stream: str) -> str:
        if not self._files.has_stream(group, stream):
            raise ApiError("ResourceNotFoundException", "The specified log stream does not exist.")
        return stream

    # Get

    def _get(self, group: str, stream: str, parameters: Members) -> Members:
        """Tokens name a direction and an offset; at an end they stay what they are, as on AWS."""
        start, end = parameters.get("startTime"), parameters.get("endTime")
        forward, offset = _direction(parameters)

        def wanted(event: LogEvent) -> bool:
            return (start is None or event.timestamp >= start) and (
                end is None or event.timestamp < end
            )

        if forward:
            found = self._files.read(group, stream, start=start, offset=offset or 0)
        else:
            found = self._files.read_back(group, stream, offset)
        page = _Page(parameters.get("limit", LIMIT))
        for event in filter(wanted, found):
            if page.is_full(event):
                break
            page.add(event)
        events = page.events
        if not forward:
            events.reverse()
        if events:
            first, last = events[0].offset, events[-1].end
        else:
            first = last = offset or 0
        return {
            "events": [
                {"timestamp": e.timestamp, "message": e.message, "ingestionTime": e.ingested}
                for e in events
            ],
            "nextForwardToken": f"f/{encoded(last)}",
            "nextBackwardToken": f"b/{encoded(first)}",
        }

    # Filter

    def _filter(self, group: str, parameters: Members, matches: Callable[[str], bool]) -> Members:
        """The token holds how far each stream has been read, since any may get late events."""
        start, end = parameters.get("startTime"), parameters.get("endTime")
        places = _places(parameters)
        streams = parameters.get("logStreamNames") or self._files.streams(
            group, parameters.get("logStreamNamePrefix", "")
        )
        read = [self._read(group, stream, start, places.get(stream, 0)) for stream in streams]
        page = _Page(parameters.get("limit", LIMIT))
        token = None
        for event in heapq.merge(*read, key=_order):
            if page.is_full(event):
                token = encoded(places)
                break
            places[event.stream] = event.end
            wanted = (end is None or event.timestamp <= end) and matches(event.message)
            page.add(event, wanted=wanted)
        events = [_filtered(event) for event in page.events]
        return {"events": events, "searchedLogStreams": [], "nextToken": token}

    def _read(self, group: str, stream: str, start: int | None, offset: int) -> Iterator[LogEvent]:
        """A stream's events; none of one that is not there, or is deleted meanwhile."""
        with suppress(FileNotFoundError):
            yield from self._files.read(group, stream, start=start, offset=offset)


class _Page:
    """The events that fit on a page, and those that were looked at for it."""

    def __init__(self, limit: int) -> None:
        self.events: list[LogEvent] = []
        self._limit = limit
        self._size = 0
        self._searched = 0

    def is_full(self, event: LogEvent) -> bool:
        """Whether `event` belongs to the next page."""
        size = self._size + len(event.message) + OVERHEAD
        return (
            len(self.events) == self._limit
            or (bool(self.events) and size > PAGE)
            or self._searched > SEARCHED
        )

    def add(self, event: LogEvent, *, wanted: bool = True) -> None:
        """Count it as looked at, and keep it if it is wanted."""
        self._searched += event.end - event.offset
        if wanted:
            self.events.append(event)
            self._size += len(event.message) + OVERHEAD


def _order(event: LogEvent) -> tuple[int, str, int]:
    return event.timestamp, event.stream, event.offset


def _filtered(event: LogEvent) -> Members:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.ingested,
        # Opaque; here it is what makes an event one of its stream.
        "eventId": f"{event.timestamp:020d}{event.offset:020d}",
    }


def _direction(parameters: Members) -> tuple[bool, int | None]:
    """Whether to read on rather than back, and from which offset."""
    token = parameters.get("nextToken")
    if token is None:
        return bool(parameters.get("startFromHead")), None
    kind, _, place = token.partition("/")
    offset = decoded(place)
    if kind not in ("f", "b") or not _is_offset(offset):
        raise invalid_token()
    return kind == "f", offset


def _places(parameters: Members) -> dict[str, int]:
    """How far each stream has been read already."""
    if "nextToken" not in parameters:
        return {}
    places = decoded(parameters["nextToken"])
    if not isinstance(places, dict) or not all(map(_is_offset, places.values())):
        raise invalid_token()
    return places


def _is_offset(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


async def _paged(read: Callable[..., Members], *arguments: object) -> Members:
    """Read in a thread. Raises `ApiError` for a token that leads to no place of a stream."""
    try:
        return await asyncio.to_thread(read, *arguments)
    except NoSuchPlace:
        raise invalid_token() from None


def _rejected(events: list[tuple[int, str]], now: int) -> Members:
    """AWS takes nothing older than 14 days nor more than two hours ahead."""
    times = [time for time, _ in events]
    old = sum(time < now - 14 * _DAY for time in times)
    early = sum(time <= now + 2 * 3_600_000 for time in times)
    info: Members = {}
    if old:
        info["tooOldLogEventEndIndex"] = old
    if early < len(times):
        info["tooNewLogEventStartIndex"] = early
    return {"rejectedLogEventsInfo": info} if info else {}
