"""S3's event notifications. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from warmstart.triggers.enqueuer import Account

__all__ = ["StoredObject", "bucket_record", "milliseconds"]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as an event tells of it; one that was deleted has neither size nor `etag`.

    `sequencer` is of hexadecimal digits; of two events of a key that with the greater
    one (as a text, the shorter one filled up with zeros on the right) is the later.
    """

    key: str
    sequencer: str
    size: int | None = None
    etag: str | None = None


def bucket_record(
    account: Account,
    bucket: str,
    event_name: str,
    what: StoredObject,
    *,
    time: datetime,
    request_id: str,
    configuration_id: str = "warmstart",
) -> dict[str, Any]:
    """A record of an event; `event_name` is `ObjectCreated:Put`, `ObjectRemoved:Delete`, etc."""
    told: dict[str, Any] = {"key": quote_plus(what.key, safe="/")}
    if what.size is not None:
        told |= {"size": what.size, "eTag": what.etag}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": account.region,
        "eventTime": milliseconds(time),
        "eventName": event_name,
        "userIdentity": {"principalId": f"AWS:{account.id}"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": request_id, "x-amz-id-2": request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": account.id},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": told | {"sequencer": what.sequencer},
        },
    }


def milliseconds(time: datetime) -> str:
    """`2026-11-24T12:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
