"""What a filer of SeaweedFS 4.48 has posted, without what is not read of it."""

from __future__ import annotations

from typing import Any

import pytest

from warmstart.triggers.buckets.seaweed import Change, read_changes
from warmstart.triggers.buckets.stored import Stored

STORED = Stored(7, "9a0364b9e99bb480dd25e1f0284c8555", 1795540382)


def entry(
    name: str,
    *,
    etag: str | None = "OWEwMzY0YjllOTliYjQ4MGRkMjVlMWYwMjg0Yzg1NTU=",
    file_key: int = 2,
) -> dict[str, Any]:
    """An entry of seven bytes; `etag` is what S3 has written beside it."""
    return {
        "name": name,
        "chunks": [
            {
                "size": 7,
                "modified_ts_ns": 1795540382371545841,
                "fid": {"volume_id": 6, "file_key": file_key, "cookie": 939156398},
            }
        ],
        "attributes": {
            "file_size": 7,
            "mtime": 1795540382,
            "md5": "mgNkuembtIDdJeHwKEyFVQ==",
            "inode": 13143317876551556696,
        },
        "extended": {} if etag is None else {"Seaweed-X-Amz-ETag": etag},
    }


def folder(name: str) -> dict[str, Any]:
    return {"name": name, "is_directory": True, "attributes": {"mtime": 1795540382}}


def posted(
    key: str,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    parent: str | None = None,
) -> dict[str, Any]:
    message: dict[str, Any] = {}
    if old is not None:
        message["old_entry"] = old
    if new is not None:
        message["new_entry"] = new
        message["new_parent_path"] = parent or key.rpartition("/")[0]
    return {"event_type": "any", "key": key, "message": message}


@pytest.mark.parametrize("etag", ["OWEwMzY0YjllOTliYjQ4MGRkMjVlMWYwMjg0Yzg1NTU=", None])
def test_an_upload_is_told(etag: str | None) -> None:
    """Without S3's own tag, as for an upload to the filer, it is the content's MD5."""
    post = posted("/buckets/photos/in/my file ü.txt", new=entry("my file ü.txt", etag=etag))

    assert read_changes(post) == [
        Change("photos", "in/my file ü.txt", "ObjectCreated:Put", None, STORED)
    ]


def test_an_upload_in_parts_is_told_as_such() -> None:
    tag = "Nzk2Y2E4YzZlNzEyOWVmNDhkMjI0MzM2ZjZjMjBmZmMtMg=="
    (change,) = read_changes(posted("/buckets/photos/a", new=entry("a", etag=tag)))

    assert change.event_name == "ObjectCreated:CompleteMultipartUpload"
    assert change.after is not None
    assert change.after.etag == "796ca8c6e7129ef48d224336f6c20ffc-2"


def test_another_upload_is_told_and_new_tags_are_not() -> None:
    again = posted("/buckets/photos/a", entry("a"), entry("a", file_key=3))
    tagged = posted("/buckets/photos/a", entry("a"), entry("a"))

    assert read_changes(again) == [Change("photos", "a", "ObjectCreated:Put", STORED, STORED)]
    assert read_changes(tagged) == []


def test_a_deletion_is_told() -> None:
    post = posted("/buckets/photos/a", old=entry("a"))

    assert read_changes(post) == [Change("photos", "a", "ObjectRemoved:Delete", STORED, None)]


def test_a_move_is_a_copy_and_a_deletion() -> None:
    post = posted("/buckets/photos/a", entry("a"), entry("b"), "/buckets/photos/old")

    assert read_changes(post) == [
        Change("photos", "old/b", "ObjectCreated:Copy", None, STORED),
        Change("photos", "a", "ObjectRemoved:Delete", STORED, None),
    ]


@pytest.mark.parametrize(
    "post",
    [
        posted("/buckets/photos", new=folder("photos")),
        posted("/buckets/photos/in", new=folder("in")),
        posted("/buckets/photos/in", old=folder("in")),
        posted("/buckets/photos/.uploads/d2c8/0001.part", new=entry("0001.part")),
        posted("/buckets/.system/owners", new=entry("owners")),
        posted("/etc/a", new=entry("a")),
    ],
)
def test_what_is_no_object_is_not_told(post: dict[str, Any]) -> None:
    assert read_changes(post) == []
