"""Sends what event source mappings tell of records that they have given up."""

from __future__ import annotations

import asyncio

from warmstart.service.asynchronous.destinations import Destinations
from warmstart.service.asynchronous.message import Message
from warmstart.service.asynchronous.retry import Condition
from warmstart.service.clock import Clock
from warmstart.service.invocation import new_request_id, new_trace_id

__all__ = ["FailureRecords"]


class FailureRecords:
    """Through the destinations of asynchronous invocations."""

    def __init__(self, destinations: Destinations, clock: Clock | None = None) -> None:
        self._destinations = destinations
        self._clock = clock or Clock()

    async def send(
        self, target: str, body: str, function_arn: str, *, key: str | None = None
    ) -> None:
        """Return when it is taken; `key` names an object of a bucket.

        Raises:
            NotDelivered: it is not.
        """
        now = self._clock.time()
        message = Message(
            target=target,
            body=body,
            attributes={},
            request_id=new_request_id(),
            function_arn=function_arn,
            condition=Condition.RETRIES_EXHAUSTED,
            trace_id=new_trace_id(now),
            created=now,
            due=now,
            key=key,
        )
        await asyncio.to_thread(self._destinations.send, message)
