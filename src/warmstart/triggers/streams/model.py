"""What Kinesis and DynamoDB Streams have in common, and what a mapping says of them. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from warmstart.triggers.enqueuer import Target

__all__ = ["Answer", "Position", "Record", "Shard", "Source", "StreamMapping"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `event` is how the function sees it; records of a `key` keep their order.

    `arrived` is in seconds since the epoch.
    """

    sequence: str
    key: str
    arrived: float
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a stream. A closed one gets no more records; its children go on."""

    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """How far a shard is done with.

    Behind the record of `sequence`; without one, at the records that arrived since `since`
    (seconds since the epoch), or with the oldest. `latest` skips what there is now.
    `window` and `state` are of the tumbling window that is open.
    """

    sequence: str | None = None
    since: float | None = None
    latest: bool = False
    finished: bool = False
    window: float | None = None
    state: str = "{}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read brings. Without a `next` iterator, that was the end of the shard."""

    records: list[Record]
    next: str | None


class Source(Protocol):
    """A stream; its methods block, and raise botocore's errors."""

    batch_info: str
    """Where a failure's record says which batch it was."""

    most: int
    """Records that one read may ask for."""

    def shards(self) -> list[Shard]:
        """All that the stream still has."""
        ...

    def iterator(self, shard_id: str, position: Position) -> str:
        """Where to read on."""
        ...

    def read(self, shard_id: str, iterator: str, limit: int) -> Answer:
        """The records there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMapping:
    """What an event source mapping says of a stream.

    With `retries_failed_alone` a report of failures leaves the records behind the first that
    failed done with, if it does not name them.
    """

    id: str
    stream_arn: str
    function_arn: str
    target: Target
    start: Position = Position()
    batch_size: int = 100
    window: float = 0.0
    parallelization_factor: int = 1
    bisects: bool = False
    maximum_retry_attempts: int = -1
    maximum_record_age: float = -1
    tumbling_window: int = 0
    reports_failures: bool = False
    retries_failed_alone: bool = False
    on_failure: str | None = None
    patterns: tuple[str, ...] = ()

    @classmethod
    def read(cls, mapping: Mapping[str, Any]) -> StreamMapping:
        """The mapping of that name in the Lambda API's own members."""
        name, _, qualifier = mapping["FunctionArn"].split(":", 6)[6].partition(":")
        filters = (mapping.get("FilterCriteria") or {}).get("Filters", [])
        on_failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
        tumbling = mapping.get("TumblingWindowInSeconds") or 0
        return cls(
            id=mapping["UUID"],
            stream_arn=mapping["EventSourceArn"],
            function_arn=mapping["FunctionArn"],
            target=Target(name, qualifier or None),
            start=Position(
                since=mapping.get("StartingPositionTimestamp"),
                latest=mapping["StartingPosition"] == "LATEST",
            ),
            batch_size=mapping["BatchSize"],
            window=mapping.get("MaximumBatchingWindowInSeconds", 0),
            # A window's state passes from batch to batch, so these cannot go side by side.
            parallelization_factor=1 if tumbling else mapping.get("ParallelizationFactor", 1),
            bisects=mapping.get("BisectBatchOnFunctionError", False),
            maximum_retry_attempts=mapping.get("MaximumRetryAttempts", -1),
            maximum_record_age=mapping.get("MaximumRecordAgeInSeconds", -1),
            tumbling_window=tumbling,
            reports_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            on_failure=on_failure.get("Destination"),
            patterns=tuple(each["Pattern"] for each in filters),
        )
