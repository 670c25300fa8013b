"""What the filer of SeaweedFS posts to a webhook of every change in its tree. Pure.

Buckets are the folders of `/buckets`. What its S3 keeps beside objects in a bucket, as the
parts of an upload, is in `.uploads`. An entry's own times are in seconds, its chunks' in
nanoseconds.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from warmstart.triggers.buckets.stored import Stored

__all__ = ["Change", "created", "read_changes"]

_BUCKETS = "/buckets/"
_PARTS = ".uploads"


@dataclass(frozen=True, slots=True)
class Change:
    """What has happened to an object: what it was before and is now, `None` for nothing."""

    bucket: str
    key: str
    event_name: str
    before: Stored | None
    after: Stored | None

    @property
    def identity(self) -> str:
        """What tells it from others."""
        return f"s3://{self.bucket}/{self.key} {self.event_name} {self.after or self.before}"


def read_changes(posted: Mapping[str, Any]) -> list[Change]:
    """The events that a post tells of; none if it is of a folder, or of an object's tags alone.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: it is no post of SeaweedFS.
    """
    message = posted["message"]
    old, new = message.get("old_entry"), message.get("new_entry")
    was = posted["key"]
    now = was if new is None else f"{message['new_parent_path']}/{new['name']}"
    changes = []
    if _is_file(new) and (old is None or now != was or _content(old) != _content(new)):
        after, before = _stored(new), _stored(old) if old is not None and now == was else None
        moved = old is not None and now != was
        name = "ObjectCreated:Copy" if moved else created(after)
        changes += _change(now, name, before, after)
    if _is_file(old) and (new is None or now != was):
        changes += _change(was, "ObjectRemoved:Delete", _stored(old), None)
    return changes


def created(stored: Stored) -> str:
    """The event of an object that is new: those of several parts have a hyphen in their tags."""
    kind = "CompleteMultipartUpload" if "-" in stored.etag else "Put"
    return f"ObjectCreated:{kind}"


def _change(
    path: str, event_name: str, before: Stored | None, after: Stored | None
) -> list[Change]:
    if not path.startswith(_BUCKETS):
        return []
    bucket, _, key = path.removeprefix(_BUCKETS).partition("/")
    if not key or bucket.startswith(".") or key.startswith(f"{_PARTS}/"):
        return []
    return [Change(bucket, key, event_name, before, after)]


def _is_file(entry: Mapping[str, Any] | None) -> bool:
    return entry is not None and not entry.get("is_directory", False)


def _content(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What another upload changes, and new tags do not."""
    attributes = entry["attributes"]
    chunks = [(each.get("offset"), each["fid"]) for each in entry.get("chunks", [])]
    return (attributes.get("mtime"), attributes.get("mtime_ns"), entry.get("content"), chunks)


def _stored(entry: Mapping[str, Any]) -> Stored:
    attributes = entry["attributes"]
    tag = entry.get("extended", {}).get("Seaweed-X-Amz-ETag")
    etag = base64.b64decode(tag).decode() if tag else base64.b64decode(attributes["md5"]).hex()
    return Stored(attributes.get("file_size", 0), etag.strip('"'), attributes.get("mtime", 0))
