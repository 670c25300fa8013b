"""A bucket's notifications: which of its events go to which function. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from warmstart.triggers.enqueuer import Target

__all__ = [
    "AnyBucket",
    "Bucket",
    "InvalidBucket",
    "Notification",
    "QueueBucket",
    "ServerBucket",
    "bucket_name",
]

_EVENTS = {
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
}


class InvalidBucket(ValueError):
    """A bucket cannot be as it is configured; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Sends events of objects whose keys have `prefix` and `suffix` to a function.

    Raises:
        InvalidBucket: there is no such event.
    """

    target: Target
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)
    prefix: str = ""
    suffix: str = ""
    id: str = "warmstart"

    def __post_init__(self) -> None:
        """Refuse events that no bucket has."""
        for event in self.events:
            if event not in _EVENTS:
                raise InvalidBucket(
                    f"A bucket has no event '{event}'. It has {', '.join(sorted(_EVENTS))}"
                )

    def wants(self, event_name: str, key: str) -> bool:
        """Whether an event, `ObjectCreated:Put` or its like, of a key is sent."""
        kind = event_name.partition(":")[0]
        named = f"s3:{event_name}" in self.events or f"s3:{kind}:*" in self.events
        return named and key.startswith(self.prefix) and key.endswith(self.suffix)


@dataclass(frozen=True, slots=True)
class _Named:
    """What has a bucket's name.

    Raises:
        InvalidBucket: AWS has no buckets of that name.
    """

    name: str

    def __post_init__(self) -> None:
        """Hold the name to AWS's rules."""
        if re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", self.name) is None:
            raise InvalidBucket(
                f"'{self.name}' is no name of a bucket: that has 3 to 63 lower-case letters,"
                " digits, dots and hyphens, and begins and ends with a letter or a digit"
            )


@dataclass(frozen=True, slots=True)
class Bucket(_Named):
    """A folder that is a bucket: its files are the objects, their paths in it the keys."""

    directory: Path
    notifications: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueBucket(_Named):
    """A bucket elsewhere that sends its notifications to a queue of SQS."""

    queue_arn: str
    notifications: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerBucket(_Named):
    """A bucket of an S3-compatible server that posts here what happens in it.

    `url` is that server's endpoint for S3.
    """

    url: str
    notifications: tuple[Notification, ...] = ()


AnyBucket = Bucket | QueueBucket | ServerBucket


def bucket_name(directory: Path) -> str:
    """A bucket's name made of a folder's."""
    name = re.sub(r"[^a-z0-9.-]+", "-", directory.resolve().name.lower()).strip(".-")[:63]
    return name if len(name) >= 3 else f"bucket-{name}".rstrip("-")
