"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.parser.models import S3Model
from hypothesis import given
from hypothesis import strategies as st

from warmstart.triggers.buckets.event import StoredObject, bucket_record
from warmstart.triggers.enqueuer import Account

TIME = datetime(2026, 11, 24, 12, 0, 0, 5000, tzinfo=UTC)


def record(event_name: str, what: StoredObject) -> dict[str, Any]:
    return bucket_record(
        Account("eu-west-1"), "uploads", event_name, what, time=TIME, request_id="C3D13FE58DE4C810"
    )


def test_an_upload_is_told_as_s3_tells_it() -> None:
    what = StoredObject("in/my photo (1).jpg", "0055AED6DCD90281E5", 3, "d41d8cd9")
    told = record("ObjectCreated:Put", what)

    S3Model.model_validate({"Records": [told]})
    assert told["eventTime"] == "2026-11-24T12:00:00.005Z"
    assert told["s3"]["bucket"]["arn"] == "arn:aws:s3:::uploads"
    assert told["s3"]["object"] == {
        "key": "in/my+photo+%281%29.jpg",
        "size": 3,
        "eTag": "d41d8cd9",
        "sequencer": "0055AED6DCD90281E5",
    }


def test_a_deletion_has_neither_size_nor_etag() -> None:
    told = record("ObjectRemoved:Delete", StoredObject("a", "00"))

    S3Model.model_validate({"Records": [told]})
    assert told["s3"]["object"] == {"key": "a", "sequencer": "00"}


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_key_is_read_back_as_aws_advises(key: str) -> None:
    told = record("ObjectCreated:Put", StoredObject(key, "00", 0, ""))

    assert unquote_plus(told["s3"]["object"]["key"]) == key
