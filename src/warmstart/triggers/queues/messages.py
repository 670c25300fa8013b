"""Queues of SQS whose messages are for us: what is not for functions as it is.

To what reads queues for functions each of these is a function, too. A message that was
taken is deleted, the rest comes again; one that makes no sense stays, for the queue's
dead-letter queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from warmstart.invoke import InvokeError, Invoker, InvokeResult, InvokeStream
from warmstart.triggers.pollers import Pollers
from warmstart.triggers.queues.kind import queue_pollers
from warmstart.triggers.queues.sqs import LONG_POLL

__all__ = ["InvalidMessage", "Message", "Take", "reading_messages"]

_logger = logging.getLogger(__name__)

Message = Mapping[str, Any]
"""A record of Lambda's SQS event."""

Take = Callable[[Message], Awaitable[None]]
"""Takes a message, and returns once it may be deleted.

Raises:
    InvalidMessage: it makes no sense.
    InvokeError: it cannot be taken now.
"""


class InvalidMessage(ValueError):
    """A message is not what is expected in its queue; the text says why."""


@asynccontextmanager
async def reading_messages(
    takers: Mapping[str, Take], endpoints: Mapping[str, str], *, long_poll: int = LONG_POLL
) -> AsyncIterator[None]:
    """Have the messages of queues, by their ARNs, taken until the end of the block.

    `endpoints` has the URL of `sqs`.

    Raises:
        NotRead: no endpoint is known for queues.
    """
    kind = queue_pollers(_Taking(takers), endpoints, long_poll=long_poll)
    async with Pollers({"sqs": kind}) as pollers:
        for arn in takers:
            region, account = arn.split(":")[3:5]
            await pollers.start(
                {
                    "UUID": arn,
                    "EventSourceArn": arn,
                    "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:messages",
                    "BatchSize": 10,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                }
            )
        yield


class _Taking(Invoker):
    """Takes batches of messages, and answers as a function that reports its failures."""

    def __init__(self, takers: Mapping[str, Take]) -> None:
        self._takers = takers

    async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
        messages = json.loads(payload)["Records"]
        taken = await asyncio.gather(*(self._take(message) for message in messages))
        failures = [
            {"itemIdentifier": message["messageId"]}
            for message, was in zip(messages, taken, strict=True)
            if not was
        ]
        answer = json.dumps({"batchItemFailures": failures}).encode()
        return InvokeResult(messages[0]["messageId"], answer)

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, **options: Any
    ) -> InvokeStream:
        raise NotImplementedError  # no queue is read for a stream

    async def _take(self, message: Message) -> bool:
        arn = message["eventSourceARN"]
        try:
            await self._takers[arn](message)
        except (InvalidMessage, InvokeError) as error:
            _logger.error("The message %s of %s is left: %s", message["messageId"], arn, error)
            return False
        return True
