"""The table `buckets`: where each bucket is, and so how its events are learned of. Pure.

A folder's path, the ARN of the queue that gets the bucket's notifications, or the URL of
the S3-compatible server that posts them here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from warmstart.triggers.buckets.notifications import (
    AnyBucket,
    Bucket,
    InvalidBucket,
    Notification,
    QueueBucket,
    ServerBucket,
)

__all__ = ["QUEUE_ARN", "read_bucket"]

QUEUE_ARN = re.compile(r"arn:aws:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}")
"""Of a standard queue: neither S3 nor EventBridge's rules send their events to others unasked."""


def read_bucket(
    name: str, place: str, base: Path, notifications: Sequence[Notification]
) -> AnyBucket:
    """The bucket at a place; a folder is relative to `base`.

    Raises:
        InvalidBucket: there can be none of that name, or at that place.
    """
    wanted = tuple(notifications)
    if place.startswith("arn:"):
        if QUEUE_ARN.fullmatch(place) is None:
            raise InvalidBucket(
                f"'{place}' is no ARN of a queue to which S3 sends notifications; write it as in"
                " arn:aws:sqs:us-east-1:123456789012:uploads"
            )
        return QueueBucket(name, place, wanted)
    if "://" in place:
        parts = urlsplit(place)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise InvalidBucket(f"'{place}' is no URL of a server; write it as http://HOST:PORT")
        return ServerBucket(name, place, wanted)
    return Bucket(name, base / place, wanted)
