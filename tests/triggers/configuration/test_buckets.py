from __future__ import annotations

from pathlib import Path

import pytest

from warmstart.triggers.buckets.notifications import (
    Bucket,
    InvalidBucket,
    Notification,
    QueueBucket,
    ServerBucket,
)
from warmstart.triggers.configuration.buckets import read_bucket
from warmstart.triggers.enqueuer import Target

BASE = Path("/base")
WANTED = (Notification(target=Target("work")),)
QUEUE = "arn:aws:sqs:us-east-1:123456789012:photos"


def test_a_path_is_a_folder() -> None:
    assert read_bucket("photos", "./in", BASE, WANTED) == Bucket("photos", BASE / "in", WANTED)


def test_an_arn_is_a_queues() -> None:
    assert read_bucket("photos", QUEUE, BASE, WANTED) == QueueBucket("photos", QUEUE, WANTED)


def test_a_url_is_a_servers() -> None:
    url = "http://127.0.0.1:8333"
    assert read_bucket("photos", url, BASE, WANTED) == ServerBucket("photos", url, WANTED)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("arn:aws:sns:us-east-1:123456789012:photos", "no ARN of a queue"),
        (f"{QUEUE}.fifo", "no ARN of a queue"),  # S3 sends to none
        ("ftp://127.0.0.1", "no URL of a server"),
        ("http:///photos", "no URL of a server"),
    ],
)
def test_a_place_where_no_bucket_can_be_is_refused(place: str, message: str) -> None:
    with pytest.raises(InvalidBucket, match=message):
        read_bucket("photos", place, BASE, ())


def test_a_name_that_no_bucket_has_is_refused() -> None:
    with pytest.raises(InvalidBucket, match="no name of a bucket"):
        read_bucket("Photos", QUEUE, BASE, ())
