"""Kafka's messages as Lambda's event has them. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from warmstart.triggers.queues.filters import message_filter
from warmstart.triggers.streams.failures import Place, timestamp
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["KafkaMessage", "Partition", "kafka_record", "record_info", "value_filter"]

_TIMESTAMP_TYPES = {1: "CREATE_TIME", 2: "LOG_APPEND_TIME"}


class KafkaMessage(Protocol):
    """A message as `confluent_kafka` gives it."""

    def topic(self) -> str: ...
    def partition(self) -> int: ...
    def offset(self) -> int: ...
    def timestamp(self) -> tuple[int, int]: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...


def kafka_record(message: KafkaMessage) -> Record:
    """A message as the function sees it. Its partition's messages keep their order."""
    kind, milliseconds = message.timestamp()
    event: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": milliseconds,
        "timestampType": _TIMESTAMP_TYPES.get(kind, "NO_TIMESTAMP_TYPE"),
    }
    for name, content in (("key", message.key()), ("value", message.value())):
        if content is not None:
            event[name] = b64encode(content).decode()
    event["headers"] = [{name: list(value or b"")} for name, value in message.headers() or ()]
    return Record(str(message.offset()), "", milliseconds / 1000, event)


def value_filter(patterns: Sequence[str]) -> Callable[[Record], bool]:
    """Whether a record's value matches one of the patterns, or there are none.

    https://docs.aws.amazon.com/lambda/latest/dg/kafka-filtering.html
    """
    matches = message_filter(patterns, "value")

    def is_wanted(record: Record) -> bool:
        value = b64decode(record.event.get("value", "")).decode(errors="replace")
        return matches({**record.event, "value": value})

    return is_wanted


@dataclass(frozen=True, slots=True)
class Partition(Place):
    """A partition, named as in events (`orders-0`), of the cluster at some servers.

    A cluster of Amazon MSK has an ARN.
    """

    bootstrap_servers: str = ""
    cluster_arn: str | None = None

    def event(self, records: Iterable[Record]) -> dict[str, Any]:
        """The event of some of its records."""
        told: list[Mapping[str, Any]] = [record.event for record in records]
        source = {"eventSource": "SelfManagedKafka"}
        if self.cluster_arn is not None:
            source = {"eventSource": "aws:kafka", "eventSourceArn": self.cluster_arn}
        return {
            **source,
            "bootstrapServers": self.bootstrap_servers,
            "records": {self.shard_id: told},
        }

    def sequence(self, identifier: Any) -> Any:
        """The offset of the record that a function's report means.

        AWS's page calls the partition `topic-partition`, AWS's Powertools `partition`.

        https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
        """
        for name in ("topic-partition", "partition"):
            with suppress(TypeError, KeyError, IndexError):
                offset = identifier["offset"]
                if identifier[name] == self.shard_id and type(offset) is int:
                    return str(offset)
        return None

    def batch(self, mapping: StreamMapping, records: Sequence[Record]) -> dict[str, Any]:
        """Which records were given up.

        https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
        """
        first, last = record_info(records[0]), record_info(records[-1])
        cluster = {"eventSourceArn": self.cluster_arn} if self.cluster_arn else {}
        return {
            "batchSize": len(records),
            **cluster,
            "bootstrapServers": self.bootstrap_servers,
            "payloadSize": len(json.dumps(self.event(records))),
            "recordsInfo": {
                self.shard_id: {
                    "firstRecordOffset": first["offset"],
                    "lastRecordOffset": last["offset"],
                    "firstRecordTimestamp": first["timestamp"],
                    "lastRecordTimestamp": last["timestamp"],
                }
            },
        }


def record_info(record: Record) -> dict[str, str]:
    """Where a record is, as failures tell it."""
    return {"offset": record.sequence, "timestamp": timestamp(record.arrived)}
