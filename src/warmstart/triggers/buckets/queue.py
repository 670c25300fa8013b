"""Buckets whose notifications come through queues of SQS, from S3 itself or what stands for it.

S3 ─▶ (SNS, EventBridge) ─▶ SQS ─▶ here ─▶ AsyncInvocations
"""

from __future__ import annotations

from collections.abc import Iterable

from warmstart.triggers.buckets.notices import InvalidNotice, read_notices
from warmstart.triggers.buckets.notifications import QueueBucket
from warmstart.triggers.buckets.telling import tell
from warmstart.triggers.enqueuer import Enqueuer
from warmstart.triggers.queues.messages import InvalidMessage, Message, Take

__all__ = ["taking_notifications"]


def taking_notifications(buckets: Iterable[QueueBucket], enqueuer: Enqueuer) -> dict[str, Take]:
    """What takes the messages of the buckets' queues, by the queues' ARNs."""
    by_queue: dict[str, list[QueueBucket]] = {}
    for bucket in buckets:
        by_queue.setdefault(bucket.queue_arn, []).append(bucket)

    async def take(message: Message) -> None:
        arn = message["eventSourceARN"]
        try:
            notices = list(read_notices(message["body"]))
        except InvalidNotice as error:
            raise InvalidMessage(str(error)) from None
        for number, notice in enumerate(notices):
            for bucket in by_queue[arn]:
                if bucket.name == notice.bucket:
                    told = f"{arn} {message['messageId']} {number}"
                    await tell(enqueuer, bucket.notifications, notice, told)

    return dict.fromkeys(by_queue, take)
