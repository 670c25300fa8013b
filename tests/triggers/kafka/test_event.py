from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.kafka_event import KafkaEventRecord
from aws_lambda_powertools.utilities.parser.models import (
    KafkaMskEventModel,
    KafkaSelfManagedEventModel,
)

from warmstart.triggers.kafka.event import Partition, kafka_record, value_filter


@dataclass
class Sent:
    """A message as the library has it."""

    content: bytes | None = b'{"amount": 99}'
    name: bytes | None = b"order-1"
    kind: int = 1
    labels: Sequence[tuple[str, bytes | None]] | None = field(default=None)

    def topic(self) -> str:
        return "orders"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 15

    def timestamp(self) -> tuple[int, int]:
        return self.kind, 1545084650987

    def key(self) -> bytes | None:
        return self.name

    def value(self) -> bytes | None:
        return self.content

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        return self.labels


def test_a_message_is_what_aws_documents() -> None:
    record = kafka_record(Sent(labels=[("headerKey", b"headerValue")]))

    assert record.event == {
        "topic": "orders",
        "partition": 3,
        "offset": 15,
        "timestamp": 1545084650987,
        "timestampType": "CREATE_TIME",
        "key": "b3JkZXItMQ==",
        "value": "eyJhbW91bnQiOiA5OX0=",
        # As in AWS's example of the event.
        "headers": [{"headerKey": [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101]}],
    }
    assert (record.sequence, record.arrived) == ("15", 1545084650.987)


def test_the_event_is_what_powertools_reads() -> None:
    record = kafka_record(Sent())
    event = Partition("orders-3", "", "localhost:9092").event([record])

    model = KafkaSelfManagedEventModel.model_validate(event)
    assert model.eventSource == "SelfManagedKafka"
    assert model.bootstrapServers == ["localhost:9092"]
    (read,) = model.records["orders-3"]
    assert (read.topic, read.partition, read.offset) == ("orders", 3, 15)


def test_of_msk_the_event_names_the_cluster() -> None:
    arn = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/1"
    place = Partition("orders-3", "KafkaBatchInfo", "b-1:9092,b-2:9092", arn)

    model = KafkaMskEventModel.model_validate(place.event([kafka_record(Sent())]))
    assert (model.eventSource, model.eventSourceArn) == ("aws:kafka", arn)
    assert model.bootstrapServers == ["b-1:9092", "b-2:9092"]


def test_what_a_message_lacks_the_event_lacks() -> None:
    event = kafka_record(Sent(content=None, name=None, kind=0)).event

    assert "key" not in event
    assert "value" not in event
    assert event["timestampType"] == "NO_TIMESTAMP_TYPE"
    assert event["headers"] == []


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'{"amount": 99}', True),
        (b'{"amount": 10}', False),
        (b"text", False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_patterns_are_of_the_value(content: bytes | None, wanted: bool) -> None:
    is_wanted = value_filter(['{"value": {"amount": [{"numeric": [">", 50]}]}}'])

    assert is_wanted(kafka_record(Sent(content))) is wanted


@pytest.mark.parametrize(
    ("identifier", "sequence"),
    [
        ({"topic-partition": "orders-3", "offset": 15}, "15"),
        ({"partition": "orders-3", "offset": 15}, "15"),  # as Powertools says it
        ({"partition": "orders-4", "offset": 15}, None),
        ({"partition": "orders-3", "offset": "15"}, None),
        ({"partition": "orders-3", "offset": True}, None),
        ({"partition": "orders-3"}, None),
        ("orders-3", None),
        (None, None),
        ([], None),
    ],
)
def test_a_report_names_partition_and_offset(identifier: Any, sequence: str | None) -> None:
    assert Partition("orders-3", "KafkaBatchInfo").sequence(identifier) == sequence


def test_powertools_report_is_understood() -> None:
    event = Partition("orders-3", "").event([kafka_record(Sent(content=b"bad"))])

    def fail(_: KafkaEventRecord) -> None:
        raise ValueError

    processor = BatchProcessor(event_type=EventType.Kafka, raise_on_entire_batch_failure=False)
    context: Any = None
    answer = process_partial_response(event, fail, processor, context)

    (failure,) = answer["batchItemFailures"]
    assert Partition("orders-3", "").sequence(failure["itemIdentifier"]) == "15"


def test_binary_content_survives() -> None:
    content = bytes(range(256))
    assert b64decode(kafka_record(Sent(content)).event["value"]) == content
