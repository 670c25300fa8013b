"""Sample events of S3.

https://docs.aws.amazon.com/lambda/latest/dg/with-s3.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-event-context.html
"""

from __future__ import annotations

from typing import Any

from warmstart.triggers.buckets.event import StoredObject, bucket_record
from warmstart.triggers.samples.notifications import bus_event
from warmstart.triggers.samples.occasion import Occasion, Sample

__all__ = ["STORAGE"]

_BUCKET = "my-bucket"
_KEY = "uploads/my photo.jpg"
_SIZE = 1024
_ETAG = "d41d8cd98f00b204e9800998ecf8427e"
_SEQUENCER = "0055AED6DCD90281E5"


def _put(occasion: Occasion) -> dict[str, Any]:
    return _event(occasion, "ObjectCreated:Put", StoredObject(_KEY, _SEQUENCER, _SIZE, _ETAG))


def _delete(occasion: Occasion) -> dict[str, Any]:
    return _event(occasion, "ObjectRemoved:Delete", StoredObject(_KEY, _SEQUENCER))


def _event(occasion: Occasion, name: str, what: StoredObject) -> dict[str, Any]:
    record = bucket_record(
        occasion.account,
        _BUCKET,
        name,
        what,
        time=occasion.time,
        request_id="C3D13FE58DE4C810",
    )
    return {"Records": [record]}


def _eventbridge(occasion: Occasion) -> dict[str, Any]:
    detail = {
        "version": "0",
        "bucket": {"name": _BUCKET},
        "object": {"key": _KEY, "size": _SIZE, "etag": _ETAG, "sequencer": _SEQUENCER},
        "request-id": "C3D13FE58DE4C810",
        "requester": occasion.account.id,
        "source-ip-address": "203.0.113.9",
        "reason": "PutObject",
    }
    return bus_event(occasion, "aws.s3", "Object Created", [f"arn:aws:s3:::{_BUCKET}"], detail)


def _batch(occasion: Occasion) -> dict[str, Any]:
    return {
        "invocationSchemaVersion": "1.0",
        "invocationId": "YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo",
        "job": {"id": occasion.id},
        "tasks": [
            {
                "taskId": "dGFza2lkZ29lc2hlcmUK",
                "s3Key": "uploads/my+photo.jpg",
                "s3VersionId": "1",
                "s3BucketArn": f"arn:aws:s3:::{_BUCKET}",
            }
        ],
    }


def _object_lambda(occasion: Occasion) -> dict[str, Any]:
    account, region = occasion.account.id, occasion.account.region
    return {
        "xAmzRequestId": occasion.id,
        "getObjectContext": {
            "inputS3Url": f"https://my-ap-{account}.s3-accesspoint.{region}.amazonaws.com/a.txt"
            "?X-Amz-Security-Token=EXAMPLE",
            "outputRoute": "io-use1-001",
            "outputToken": "EXAMPLE",
        },
        "configuration": {
            "accessPointArn": occasion.arn("s3-object-lambda", "accesspoint/my-olap"),
            "supportingAccessPointArn": occasion.arn("s3", "accesspoint/my-ap"),
            "payload": "{}",
        },
        "userRequest": {
            "url": "/a.txt",
            "headers": {
                "Host": f"my-olap-{account}.s3-object-lambda.{region}.amazonaws.com",
                "Accept-Encoding": "identity",
            },
        },
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": f"arn:aws:iam::{account}:user/me",
            "accountId": account,
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "me",
        },
        "protocolVersion": "1.00",
    }


STORAGE: dict[str, Sample] = {
    "s3-put": _put,
    "s3-delete": _delete,
    "s3-eventbridge": _eventbridge,
    "s3-batch": _batch,
    "s3-object-lambda": _object_lambda,
}
