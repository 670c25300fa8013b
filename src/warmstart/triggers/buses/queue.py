"""Buses elsewhere, a rule of which sends their events to a queue of SQS.

    EventBridge ─▶ SQS ─▶ here ─▶ Rules ─▶ AsyncInvocations

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from warmstart.triggers.queues.messages import InvalidMessage, Message, Take

__all__ = ["taking_events"]

_MEMBERS = ("id", "source", "detail-type", "detail")


def taking_events(
    queues: Mapping[str, str], deliver: Callable[[str, Mapping[str, Any]], Awaitable[None]]
) -> dict[str, Take]:
    """What takes the messages of `queues`, buses' names by the queues' ARNs."""

    async def take(message: Message) -> None:
        await deliver(queues[message["eventSourceARN"]], _event(message["body"]))

    return dict.fromkeys(queues, take)


def _event(body: str) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise InvalidMessage("It is no event of EventBridge: no JSON object")
    if missing := [name for name in _MEMBERS if name not in event]:
        raise InvalidMessage(f"It is no event of EventBridge: it has no {', '.join(missing)}")
    return event
