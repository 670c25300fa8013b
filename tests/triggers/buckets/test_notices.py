from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import S3Model

from warmstart.triggers.buckets.notices import InvalidNotice, read_notices

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
RECORD: dict[str, Any] = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "us-west-2",
    "eventTime": "1970-01-01T00:00:00.000Z",
    "eventName": "ObjectCreated:Put",
    "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
    "requestParameters": {"sourceIPAddress": "172.16.0.1"},
    "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "testConfigRule",
        "bucket": {
            "name": "photos",
            "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
            "arn": "arn:aws:s3:::photos",
        },
        "object": {
            "key": "in/Happy+Face.jpg",
            "size": 1024,
            "eTag": "d41d8cd98f00b204e9800998ecf8427e",
            "sequencer": "0055AED6DCD90281E5",
        },
    },
}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
CREATED: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2021-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::photos"],
    "detail": {
        "version": "0",
        "bucket": {"name": "photos"},
        "object": {"key": "Happy Face.jpg", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184"},
        "reason": "PutObject",
    },
}


def test_a_notification_of_s3_is_handed_on_as_it_is() -> None:
    (notice,) = read_notices(json.dumps({"Records": [RECORD]}))

    assert (notice.bucket, notice.event_name) == ("photos", "ObjectCreated:Put")
    assert notice.key == "in/Happy Face.jpg"
    assert notice.event == {"Records": [RECORD]}


def test_each_record_is_an_event() -> None:
    assert len(read_notices(json.dumps({"Records": [RECORD, RECORD]}))) == 2


def test_a_topic_may_be_in_between() -> None:
    wrapped = {"Type": "Notification", "Message": json.dumps({"Records": [RECORD]})}
    (notice,) = read_notices(json.dumps(wrapped))

    assert notice.event == {"Records": [RECORD]}


def test_s3s_test_of_a_queue_tells_nothing() -> None:
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"}

    assert read_notices(json.dumps(test)) == []


def test_what_minio_posts_becomes_an_event_of_s3() -> None:
    """The names, the source and the encoding of slashes are its own."""
    record = {**RECORD, "eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put"}
    s3 = {**RECORD["s3"], "object": {**RECORD["s3"]["object"], "key": "in%2FHappy+Face.jpg"}}
    posted = {
        "EventName": "s3:ObjectCreated:Put",
        "Key": "photos/in/Happy Face.jpg",
        "Records": [{**record, "s3": s3, "source": {"host": "127.0.0.1"}}],
    }
    (notice,) = read_notices(json.dumps(posted))

    assert (notice.event_name, notice.key) == ("ObjectCreated:Put", "in/Happy Face.jpg")
    S3Model.model_validate(notice.event)
    (told,) = notice.event["Records"]
    assert told == {**RECORD, "source": {"host": "127.0.0.1"}}


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("PutObject", "ObjectCreated:Put"),
        ("POST Object", "ObjectCreated:Post"),
        ("CopyObject", "ObjectCreated:Copy"),
        ("CompleteMultipartUpload", "ObjectCreated:CompleteMultipartUpload"),
    ],
)
def test_eventbridge_tells_of_uploads_in_its_own_words(reason: str, name: str) -> None:
    event = {**CREATED, "detail": {**CREATED["detail"], "reason": reason}}
    (notice,) = read_notices(json.dumps(event))

    assert (notice.bucket, notice.event_name, notice.key) == ("photos", name, "Happy Face.jpg")
    assert notice.event == event


@pytest.mark.parametrize(
    ("detail", "name"),
    [
        (
            {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"},
            "ObjectRemoved:Delete",
        ),
        (
            {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"},
            "ObjectRemoved:DeleteMarkerCreated",
        ),
        (
            {"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"},
            "LifecycleExpiration:DeleteMarkerCreated",
        ),
    ],
)
def test_eventbridge_tells_how_an_object_was_deleted(detail: dict[str, str], name: str) -> None:
    event = {
        **CREATED,
        "detail-type": "Object Deleted",
        "detail": {**CREATED["detail"], **detail},
    }
    (notice,) = read_notices(json.dumps(event))

    assert notice.event_name == name


def test_what_no_trigger_can_ask_for_is_passed_over() -> None:
    assert read_notices(json.dumps({**CREATED, "detail-type": "Object Tags Added"})) == []


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "null", "{}", '{"Records": [{"eventSource": "aws:sqs"}]}']
)
def test_what_tells_of_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(InvalidNotice, match="no event of S3"):
        read_notices(text)
