"""Sample events of queues and streams, which are read in batches.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html
https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from warmstart.triggers.queues.event import queue_record
from warmstart.triggers.samples.occasion import Occasion, Sample, encoded

__all__ = ["BATCHES"]

_SEQUENCE = "49545115243490985018280067714973144582180062593244200961"
_SHARD = "shardId-000000000000"
_BODY = '{"order": 4711}'


def _sqs(occasion: Occasion) -> dict[str, Any]:
    return {"Records": [queue_record(_message(occasion), occasion.arn("sqs", "my-queue"))]}


def _sqs_fifo(occasion: Occasion) -> dict[str, Any]:
    message = _message(occasion)
    message["Attributes"] |= {
        "SequenceNumber": "18849496460467696128",
        "MessageGroupId": "group-1",
        "MessageDeduplicationId": "deduplication-1",
    }
    return {"Records": [queue_record(message, occasion.arn("sqs", "my-queue.fifo"))]}


def _message(occasion: Occasion) -> dict[str, Any]:
    return {
        "MessageId": occasion.id,
        "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "Body": _BODY,
        "MD5OfBody": md5(_BODY.encode(), usedforsecurity=False).hexdigest(),
        "Attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(occasion.milliseconds),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(occasion.milliseconds),
        },
        "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "order"}},
        "MD5OfMessageAttributes": "4c1a6ae5fdf5f9dcfe7b0d1b8d8c40bb",
    }


def _kinesis(occasion: Occasion) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "order-4711",
                    "sequenceNumber": _SEQUENCE,
                    "data": encoded(_BODY),
                    "approximateArrivalTimestamp": occasion.milliseconds / 1000,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{_SHARD}:{_SEQUENCE}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{occasion.account.id}:role/my-role",
                "awsRegion": occasion.account.region,
                "eventSourceARN": occasion.arn("kinesis", "stream/my-stream"),
            }
        ]
    }


def _dynamodb(occasion: Occasion) -> dict[str, Any]:
    stream = occasion.arn("dynamodb", "table/orders/stream/2026-01-01T00:00:00.000")
    key = {"id": {"N": "4711"}}
    old, new = key | {"state": {"S": "placed"}}, key | {"state": {"S": "paid"}}
    images: list[tuple[str, dict[str, Any]]] = [
        ("INSERT", {"NewImage": old}),
        ("MODIFY", {"NewImage": new, "OldImage": old}),
        ("REMOVE", {"OldImage": new}),
    ]
    return {
        "Records": [
            {
                "eventID": f"{number:032x}",
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": occasion.account.region,
                "dynamodb": {
                    "ApproximateCreationDateTime": occasion.seconds,
                    "Keys": key,
                    **image,
                    "SequenceNumber": str(4421584500000000017450439090 + number),
                    "SizeBytes": 59,
                    "StreamViewType": "NEW_AND_OLD_IMAGES",
                },
                "eventSourceARN": stream,
            }
            for number, (name, image) in enumerate(images, 1)
        ]
    }


def _kafka(occasion: Occasion) -> dict[str, Any]:
    cluster = "cluster/my-cluster/751d2973-a626-431c-9d4e-d7975eb44dd7-2"
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": occasion.arn("kafka", cluster),
        **_kafka_records(occasion),
    }


def _self_managed_kafka(occasion: Occasion) -> dict[str, Any]:
    return {"eventSource": "SelfManagedKafka", **_kafka_records(occasion)}


def _kafka_records(occasion: Occasion) -> dict[str, Any]:
    record = {
        "topic": "orders",
        "partition": 0,
        "offset": 15,
        "timestamp": occasion.milliseconds,
        "timestampType": "CREATE_TIME",
        "key": encoded("order-4711"),
        "value": encoded(_BODY),
        "headers": [{"kind": list(b"order")}],
    }
    return {"bootstrapServers": "b-1.example.com:9092", "records": {"orders-0": [record]}}


def _activemq(occasion: Occasion) -> dict[str, Any]:
    broker = "b-9bcfa592-423a-4942-879d-eb284b418fc8"
    return {
        "eventSource": "aws:mq",
        "eventSourceArn": occasion.arn("mq", f"broker:my-broker:{broker}"),
        "messages": [
            {
                "messageID": f"ID:{broker}-1.mq.example.com-37557-1234520418293-4:1:1:1:1",
                "messageType": "jms/text-message",
                "deliveryMode": 1,
                "replyTo": None,
                "type": None,
                "expiration": "60000",
                "priority": 1,
                "correlationId": "correlation-1",
                "redelivered": False,
                "destination": {"physicalName": "orders"},
                "data": encoded(_BODY),
                "timestamp": occasion.milliseconds,
                "brokerInTime": occasion.milliseconds,
                "brokerOutTime": occasion.milliseconds,
                "properties": {"kind": "order"},
            }
        ],
    }


def _rabbitmq(occasion: Occasion) -> dict[str, Any]:
    broker = "b-9bcfa592-423a-4942-879d-eb284b418fc8"
    message = {
        "basicProperties": {
            "contentType": "application/json",
            "contentEncoding": None,
            "headers": {"kind": {"bytes": list(b"order")}},
            "deliveryMode": 1,
            "priority": 34,
            "correlationId": None,
            "replyTo": None,
            "expiration": "60000",
            "messageId": None,
            "timestamp": "Jan 1, 1970, 12:33:41 AM",
            "type": None,
            "userId": "AIDACKCEVSQ6C2EXAMPLE",
            "appId": None,
            "clusterId": None,
            "bodySize": len(_BODY),
        },
        "redelivered": False,
        "data": encoded(_BODY),
    }
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": occasion.arn("mq", f"broker:my-broker:{broker}"),
        "rmqMessagesByQueue": {"orders::/": [message]},
    }


def _documentdb(occasion: Occasion) -> dict[str, Any]:
    return {
        "eventSource": "aws:docdb",
        "eventSourceArn": occasion.arn("rds", "cluster:my-cluster"),
        "events": [
            {
                "event": {
                    "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
                    "clusterTime": {"$timestamp": {"t": occasion.seconds, "i": 9}},
                    "documentKey": {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
                    "fullDocument": {
                        "_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"},
                        "order": 4711,
                    },
                    "ns": {"db": "shop", "coll": "orders"},
                    "operationType": "insert",
                }
            }
        ],
    }


def _firehose(occasion: Occasion) -> dict[str, Any]:
    return {
        "invocationId": occasion.id,
        "deliveryStreamArn": occasion.arn("firehose", "deliverystream/my-stream"),
        "region": occasion.account.region,
        "records": [
            {
                "recordId": f"{_SEQUENCE}000000",
                "approximateArrivalTimestamp": occasion.milliseconds,
                "data": encoded(_BODY),
            }
        ],
    }


BATCHES: dict[str, Sample] = {
    "sqs": _sqs,
    "sqs-fifo": _sqs_fifo,
    "kinesis": _kinesis,
    "dynamodb": _dynamodb,
    "kafka": _kafka,
    "kafka-self-managed": _self_managed_kafka,
    "activemq": _activemq,
    "rabbitmq": _rabbitmq,
    "documentdb": _documentdb,
    "firehose": _firehose,
}
