"""EventBridge's PutEvents: what functions and others tell a bus.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html

Each entry is judged for itself. One that is taken has its id once all that it sets off is
kept; one that cannot be kept now is answered with an error for which clients try again.
A bus is there once something is sent to it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from warmstart.invoke import InvokeError
from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns

__all__ = ["MAX_ENTRIES", "Deliver", "EventBuses"]

MAX_ENTRIES = 256 * 1024
"""Bytes that a request's entries must be less than: see
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html"""

Deliver = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Takes an event of a bus, by the bus's name. Raises `InvokeError` if it cannot."""


class EventBuses:
    """All buses. What comes in goes to `deliver`, which is to be set; nobody hears it before."""

    def __init__(self, arns: Arns, clock: Clock) -> None:
        self.deliver: Deliver | None = None
        self._arns = arns
        self._clock = clock

    @operation("PutEvents")
    async def put(self, parameters: Members) -> Members:
        entries = parameters["Entries"]
        if sum(map(_size, entries)) >= MAX_ENTRIES:
            raise ApiError(
                "ValidationException",
                "Total size of the entries in the request is over the limit.",
            )
        results = [await self._take(entry) for entry in entries]
        failed = sum("ErrorCode" in result for result in results)
        return {"FailedEntryCount": failed, "Entries": results}

    async def _take(self, entry: Members) -> Members:
        try:
            event = self._event(entry)
            bus = entry.get("EventBusName", "default").rpartition("event-bus/")[2]
            if self.deliver is not None:
                await self.deliver(bus, event)
        except _Refused as refusal:
            return {"ErrorCode": refusal.code, "ErrorMessage": str(refusal)}
        except InvokeError as error:
            return {"ErrorCode": "InternalFailure", "ErrorMessage": str(error)}
        return {"EventId": event["id"]}

    def _event(self, entry: Members) -> dict[str, Any]:
        for member in ("Source", "DetailType", "Detail"):
            if not entry.get(member):
                raise _Refused(
                    "InvalidArgument",
                    f"Parameter {member} is not valid. Reason: {member} is a required argument.",
                )
        if entry["Source"].startswith("aws."):
            raise _Refused("NotAuthorizedForSourceException", "Not authorized for the source.")
        time = entry.get("Time") or datetime.fromtimestamp(self._clock.time(), UTC)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": self._arns.account,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._arns.region,
            "resources": entry.get("Resources", []),
            "detail": _detail(entry["Detail"]),
        }


class _Refused(Exception):
    """An entry is not taken; `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _detail(text: str) -> dict[str, Any]:
    try:
        detail = json.loads(text)
    except (ValueError, RecursionError):
        detail = None
    if not isinstance(detail, dict):
        raise _Refused("MalformedDetail", "Detail is malformed.")
    return detail


def _size(entry: Members) -> int:
    """As AWS counts: 14 bytes for the time, and all texts in UTF-8."""
    texts = [entry.get(member, "") for member in ("Source", "DetailType", "Detail")]
    texts += entry.get("Resources", [])
    return 14 * ("Time" in entry) + sum(len(text.encode(errors="replace")) for text in texts)
