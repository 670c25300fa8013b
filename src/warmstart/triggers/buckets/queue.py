"""Buckets whose notifications come through queues of SQS, from S3 itself or what stands for it.

    S3 ─▶ (SNS, EventBridge) ─▶ SQS ─▶ QueueNotifications ─▶ AsyncInvocations

To what reads queues for functions this is a function, too: what it has handed on is
deleted, the rest comes again. A message that tells of no bucket stays, for the queue's
dead-letter queue.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from warmstart.invoke import InvokeError, Invoker, InvokeResult, InvokeStream
from warmstart.triggers.buckets.notices import InvalidNotice, read_notices
from warmstart.triggers.buckets.notifications import QueueBucket
from warmstart.triggers.buckets.telling import tell
from warmstart.triggers.enqueuer import Enqueuer
from warmstart.triggers.pollers import Pollers
from warmstart.triggers.queues.kind import queue_pollers
from warmstart.triggers.queues.sqs import LONG_POLL

__all__ = ["reading_notifications"]

_logger = logging.getLogger(__name__)


@asynccontextmanager
async def reading_notifications(
    buckets: Iterable[QueueBucket],
    endpoints: Mapping[str, str],
    enqueuer: Enqueuer,
    *,
    long_poll: int = LONG_POLL,
) -> AsyncIterator[None]:
    """Read the queues until the end of the block. `endpoints` has the URL of `sqs`.

    Raises:
        NotRead: no endpoint is known for queues.
    """
    by_queue: dict[str, list[QueueBucket]] = {}
    for bucket in buckets:
        by_queue.setdefault(bucket.queue_arn, []).append(bucket)
    notified = _Notified(by_queue, enqueuer)
    kind = queue_pollers(notified, endpoints, long_poll=long_poll)
    async with Pollers({"sqs": kind}) as pollers:
        for arn in by_queue:
            region, account = arn.split(":")[3:5]
            await pollers.start(
                {
                    "UUID": arn,
                    "EventSourceArn": arn,
                    "FunctionArn": f"arn:aws:lambda:{region}:{account}:function:notifications",
                    "BatchSize": 10,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                }
            )
        yield


class _Notified(Invoker):
    """Takes batches of messages, and answers as a function that reports its failures."""

    def __init__(self, by_queue: Mapping[str, list[QueueBucket]], enqueuer: Enqueuer) -> None:
        self._by_queue = by_queue
        self._enqueuer = enqueuer

    async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
        messages = json.loads(payload)["Records"]
        kept = await asyncio.gather(*(self._hand_on(message) for message in messages))
        failures = [
            {"itemIdentifier": message["messageId"]}
            for message, was in zip(messages, kept, strict=True)
            if not was
        ]
        answer = json.dumps({"batchItemFailures": failures}).encode()
        return InvokeResult(messages[0]["messageId"], answer)

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, **options: Any
    ) -> InvokeStream:
        raise NotImplementedError  # no queue is read for a stream

    async def _hand_on(self, message: Mapping[str, Any]) -> bool:
        arn, message_id = message["eventSourceARN"], message["messageId"]
        try:
            for number, notice in enumerate(read_notices(message["body"])):
                for bucket in self._by_queue[arn]:
                    if bucket.name == notice.bucket:
                        told = f"{arn} {message_id} {number}"
                        await tell(self._enqueuer, bucket.notifications, notice, told)
        except (InvalidNotice, InvokeError) as error:
            _logger.error("The message %s of %s is left there: %s", message_id, arn, error)
            return False
        return True
