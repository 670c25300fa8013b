"""What is told of records that are given up. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

from warmstart.invoke import InvokeResult
from warmstart.triggers.streams.attempts import Condition
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["Failure", "OnFailure", "Place", "object_key", "timestamp"]


@dataclass(frozen=True, slots=True)
class Place:
    """The shard, and the member of a failure's record that tells of it."""

    shard_id: str
    batch_info: str

    def event(self, records: Iterable[Record]) -> dict[str, Any]:
        """The event of some of its records."""
        return {"Records": [record.event for record in records]}

    def sequence(self, identifier: Any) -> Any:
        """The sequence number of the record that a function's report means."""
        return identifier

    def batch(self, mapping: StreamMapping, records: Sequence[Record]) -> dict[str, Any]:
        """Which records were given up."""
        return {
            "shardId": self.shard_id,
            "startSequenceNumber": records[0].sequence,
            "endSequenceNumber": records[-1].sequence,
            "approximateArrivalOfFirstRecord": timestamp(records[0].arrived),
            "approximateArrivalOfLastRecord": timestamp(records[-1].arrived),
            "batchSize": len(records),
            "streamArn": mapping.stream_arn,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Records that are given up; `result` is the function's last answer, if there is one.

    `now` is in seconds since the epoch.
    """

    mapping: StreamMapping
    place: Place
    records: tuple[Record, ...]
    condition: Condition
    invokes: int
    result: InvokeResult | None
    now: float

    def document(self) -> dict[str, Any]:
        """What a destination is told, but for the records themselves."""
        document: dict[str, Any] = {
            "requestContext": {
                "requestId": self.result.request_id if self.result else str(uuid4()),
                "functionArn": self.mapping.function_arn,
                "condition": self.condition,
                "approximateInvokeCount": self.invokes,
            }
        }
        if self.condition is Condition.MAXIMUM_PAYLOAD_SIZE_EXCEEDED:
            document["responseContext"] = None
        elif self.condition is Condition.RETRY_ATTEMPTS_EXHAUSTED and self.result is not None:
            document["responseContext"] = {
                "statusCode": 200,
                "executedVersion": self.result.executed_version,
                "functionError": self.result.function_error,
            }
        return document | {
            "version": "1.0",
            "timestamp": timestamp(self.now),
            self.place.batch_info: self.place.batch(self.mapping, self.records),
        }

    def event(self) -> dict[str, Any]:
        """The event of these records."""
        return self.place.event(self.records)


class OnFailure(Protocol):
    """Where a mapping's records go that are given up."""

    async def take(self, failure: Failure) -> None:
        """Return when it is kept. Raises an `Exception` if it is not."""
        ...


def object_key(failure: Failure) -> str:
    """Where a failure is in a bucket, in AWS's convention."""
    moment = datetime.fromtimestamp(failure.now, UTC)
    folder = f"aws/lambda/{failure.mapping.id}/{failure.place.shard_id}"
    return f"{folder}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid4()}"


def timestamp(seconds: float) -> str:
    """A time as invocation records have it."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
