"""What others tell of buckets: S3 through a queue or a topic, EventBridge, MinIO. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.min.io/community/minio-object-store/administration/monitoring/publish-events-to-webhook.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

__all__ = ["InvalidNotice", "Notice", "read_notices"]

_REASONS = {
    "PutObject": "Put",
    "POST Object": "Post",
    "CopyObject": "Copy",
}
_DELETIONS = {"Permanently Deleted": "Delete", "Delete Marker Created": "DeleteMarkerCreated"}


class InvalidNotice(ValueError):
    """A text tells nothing of a bucket; the message says why."""


@dataclass(frozen=True, slots=True)
class Notice:
    """An event of an object, and `event`, with which a function is invoked for it."""

    bucket: str
    event_name: str
    key: str
    event: Mapping[str, Any]


def read_notices(text: str) -> list[Notice]:
    """The events that a message or a webhook's body tells of; none for S3's test of a queue.

    Raises:
        InvalidNotice: it is nothing of the kind.
    """
    try:
        return _read(json.loads(text))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidNotice(f"It is no event of S3: {error!r} in {text[:200]!r}") from None


def _read(told: Mapping[str, Any]) -> list[Notice]:
    if told.get("Type") == "Notification":  # a topic of SNS is in between
        return _read(json.loads(told["Message"]))
    if told.get("Event") == "s3:TestEvent":
        return []
    if told.get("source") == "aws.s3":
        return _read_eventbridge(told)
    return [_read_record(record) for record in told["Records"]]


def _read_record(record: Mapping[str, Any]) -> Notice:
    """A record in S3's own form. MinIO has another source, and encodes the slashes, too."""
    if record["eventSource"] not in ("aws:s3", "minio:s3"):
        raise ValueError(record["eventSource"])
    name = record["eventName"].removeprefix("s3:")
    s3 = record["s3"]
    key = unquote_plus(s3["object"]["key"])
    stored = {**s3["object"], "key": quote_plus(key, safe="/")}
    record = {
        **record,
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {**s3, "object": stored},
    }
    return Notice(s3["bucket"]["name"], name, key, {"Records": [record]})


def _read_eventbridge(event: Mapping[str, Any]) -> list[Notice]:
    """An event as EventBridge words it, which is how its functions get it, too."""
    detail = event["detail"]
    name = _event_name(event["detail-type"], detail)
    if name is None:
        return []
    return [Notice(detail["bucket"]["name"], name, detail["object"]["key"], event)]


def _event_name(kind: str, detail: Mapping[str, Any]) -> str | None:
    """How a notification calls it; `None` for what no trigger can ask for."""
    reason = detail.get("reason", "")
    if kind == "Object Created":
        return f"ObjectCreated:{_REASONS.get(reason, reason)}"
    if kind == "Object Deleted":
        by_rule = reason == "Lifecycle Expiration"
        deletion = _DELETIONS.get(detail.get("deletion-type", ""), "Delete")
        return f"{'LifecycleExpiration' if by_rule else 'ObjectRemoved'}:{deletion}"
    return None
