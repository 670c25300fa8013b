from __future__ import annotations

from pathlib import Path

import pytest

from warmstart.triggers.buckets.notifications import (
    Bucket,
    InvalidBucket,
    Notification,
    bucket_name,
)
from warmstart.triggers.enqueuer import Target

TARGET = Target("work")


@pytest.mark.parametrize(
    ("event", "name", "wanted"),
    [
        ("s3:ObjectCreated:*", "ObjectCreated:Put", True),
        ("s3:ObjectCreated:*", "ObjectCreated:Copy", True),
        ("s3:ObjectCreated:*", "ObjectRemoved:Delete", False),
        ("s3:ObjectCreated:Put", "ObjectCreated:Put", True),
        ("s3:ObjectCreated:Put", "ObjectCreated:Copy", False),
        ("s3:ObjectRemoved:*", "ObjectRemoved:Delete", True),
    ],
)
def test_events_are_wanted_by_name_or_by_kind(event: str, name: str, wanted: bool) -> None:
    assert Notification(target=TARGET, events=(event,)).wants(name, "key") is wanted


def test_keys_are_wanted_by_prefix_and_suffix() -> None:
    notification = Notification(target=TARGET, prefix="in/", suffix=".jpg")

    assert notification.wants("ObjectCreated:Put", "in/a.jpg")
    assert not notification.wants("ObjectCreated:Put", "in/a.png")
    assert not notification.wants("ObjectCreated:Put", "out/in/a.jpg")


def test_an_event_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidBucket, match="no event 'ObjectCreated'"):
        Notification(target=TARGET, events=("ObjectCreated",))


@pytest.mark.parametrize("name", ["ab", "Uploads", "a_b_c", "-abc", "a" * 64, "abc."])
def test_a_name_that_no_bucket_has_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidBucket, match="no name of a bucket"):
        Bucket(name, tmp_path)


@pytest.mark.parametrize(
    ("folder", "name"), [("uploads", "uploads"), ("My Files_", "my-files"), ("In", "bucket-in")]
)
def test_a_folders_name_makes_a_buckets(folder: str, name: str, tmp_path: Path) -> None:
    assert Bucket(bucket_name(tmp_path / folder), tmp_path).name == name
