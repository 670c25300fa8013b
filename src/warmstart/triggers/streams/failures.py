"""What is told of records that are given up. Pure, but for who takes it.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from warmstart.invoke import InvokeResult
from warmstart.triggers.streams.attempts import Condition
from warmstart.triggers.streams.model import Record, StreamMapping

__all__ = ["FailureDestinations", "Place", "failure_record"]


@dataclass(frozen=True, slots=True)
class Place:
    """The shard, and the member of a failure's record that tells of it."""

    shard_id: str
    batch_info: str

    def event(self, records: Iterable[Record]) -> dict[str, Any]:
        """The event of some of its records."""
        return {"Records": [record.event for record in records]}


class FailureDestinations(Protocol):
    """Hands messages to SQS or SNS."""

    async def send(self, target: str, body: str, function_arn: str) -> None:
        """Return when it is taken; `target` is an ARN. Raises an `Exception` if it is not."""
        ...


def failure_record(
    mapping: StreamMapping,
    place: Place,
    records: Sequence[Record],
    condition: Condition,
    *,
    request_id: str,
    invokes: int,
    result: InvokeResult | None,
    now: float,
) -> str:
    """The message of a batch that is given up; `result` is the function's last answer."""
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": mapping.function_arn,
            "condition": condition,
            "approximateInvokeCount": invokes,
        }
    }
    if result is not None and condition is Condition.RETRY_ATTEMPTS_EXHAUSTED:
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": result.executed_version,
            "functionError": result.function_error,
        }
    return json.dumps(
        document
        | {
            "version": "1.0",
            "timestamp": _time(now),
            place.batch_info: {
                "shardId": place.shard_id,
                "startSequenceNumber": records[0].sequence,
                "endSequenceNumber": records[-1].sequence,
                "approximateArrivalOfFirstRecord": _time(records[0].arrived),
                "approximateArrivalOfLastRecord": _time(records[-1].arrived),
                "batchSize": len(records),
                "streamArn": mapping.stream_arn,
            },
        }
    )


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
