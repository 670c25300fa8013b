"""Made-up events at the whole handler: each is answered, or an error names what is wrong."""

from __future__ import annotations

import functools
import json
from contextlib import suppress
from typing import Any

from tests.adapter import samples
from warmstart import ASGIHandler
from warmstart.adapter.batches import TumblingWindow
from warmstart.adapter.connections import MemoryConnections
from warmstart.adapter.dispatch import UnhandledEvent
from warmstart.adapter.events_path import EventRefused
from warmstart.events.errors import MalformedEvent

__all__ = ["EVENTS", "any_event_is_answered_or_its_fault_named"]

EVENTS: list[Any] = [
    samples.S3,
    samples.SNS,
    samples.SCHEDULE,
    samples.EVENTBRIDGE,
    samples.WARMUP,
    samples.sqs("a", "b"),
    samples.fifo(("a", "g"), ("b", "h")),
    samples.kinesis("1", "2"),
    samples.window(samples.kinesis("1")),
    samples.dynamodb("1"),
    samples.connect(),
    samples.message("hello"),
    samples.disconnect(),
]

Message = dict[str, Any]


async def app(scope: Message, receive: Any, send: Any) -> None:
    await receive()
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            await send({"type": "websocket.send", "text": "heard"})
        return
    status = 404 if scope["path"] == "/events" else 200
    await send({"type": "http.response.start", "status": status, "headers": scope["headers"]})
    await send({"type": "http.response.body", "body": b"null"})


@functools.cache
def handlers() -> list[ASGIHandler]:
    """One that has functions for some events, and one whose app has a path for all of them."""
    registered = ASGIHandler(app, lifespan="off", connections=MemoryConnections())
    posted = ASGIHandler(
        app,
        lifespan="off",
        connections=MemoryConnections(),
        events_path="/events",
        base_path="/api",
    )
    registered.on("sqs", "kinesis", "dynamodb", each="record")(lambda record, context: None)
    return [registered, posted]


def any_event_is_answered_or_its_fault_named(event: Any) -> None:
    for handler in handlers():
        with suppress(MalformedEvent, UnhandledEvent, EventRefused, TumblingWindow):
            json.dumps(handler(event, None))
