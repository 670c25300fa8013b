"""Hands an event of a bucket to the functions that its notifications name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from uuid import NAMESPACE_URL, uuid5

from warmstart.triggers.buckets.notices import Notice
from warmstart.triggers.buckets.notifications import Notification
from warmstart.triggers.enqueuer import Enqueuer

__all__ = ["tell"]


async def tell(
    enqueuer: Enqueuer, notifications: Iterable[Notification], notice: Notice, identity: str
) -> None:
    """Return when all that want to know of it will be told.

    `identity` is what tells the event from others: told again, it has the same request id.

    Raises:
        warmstart.invoke.InvokeError: one of them was not taken.
    """
    for each in notifications:
        if each.wants(notice.event_name, notice.key):
            await enqueuer.enqueue(
                each.target.function,
                each.target.qualifier,
                json.dumps(notice.event).encode(),
                request_id=str(uuid5(NAMESPACE_URL, f"{each.id} {identity}")),
            )
