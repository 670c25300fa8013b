"""A batch of records, one call for each, and a report of those that failed.

AWS reads the report if the event source mapping has `ReportBatchItemFailures`
among its `FunctionResponseTypes`: it then hands out again what is reported, and
only that.

Records that depend on each other's order share a lane. A lane is worked through
in order and stops at its first failure, so that nothing overtakes what will come
again:

    SQS           a lane for each message
    SQS, FIFO     a lane for each message group
    Kinesis       one lane
    DynamoDB      one lane

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from warmstart.adapter.calls import EventFunction, call
from warmstart.adapter.deadline import Deadline
from warmstart.events.fields import read_list, read_object, read_text, require_object, require_text
from warmstart.events.source import Source

__all__ = ["TumblingWindow", "call_for_each"]

logger = logging.getLogger("warmstart")

# Where the identifier is that a report names a record by.
_IDENTIFIERS = {
    Source.SQS: ("", "messageId"),
    Source.KINESIS: ("kinesis", "sequenceNumber"),
    Source.DYNAMODB: ("dynamodb", "SequenceNumber"),
}


class TumblingWindow(RuntimeError):
    """A batch has a state that goes on to the next one, and the function sees single records."""

    def __init__(self) -> None:
        super().__init__(
            "The event source mapping has a tumbling window, whose state goes from batch to batch. "
            'A function of single records cannot keep it: register one without each="record", '
            'which gets event["state"] and returns {"state": …}; or take '
            "TumblingWindowInSeconds from the mapping."
        )


@dataclass(slots=True)
class _Record:
    identifier: str
    lane: str
    body: Any
    done: bool = False


async def call_for_each(
    function: EventFunction,
    source: Source,
    event: Any,
    context: Any,
    *,
    concurrency: int,
    deadline: Deadline,
) -> dict[str, Any]:
    """Call `function` with each record of `event`, in at most `concurrency` lanes at a time.

    What it raises for a record is logged and reported, and so is what it has not
    done when the deadline comes.

    Raises:
        MalformedEvent: a record has no identifier; no record was handled.
        TumblingWindow: the batch belongs to one; no record was handled.
    """
    if "window" in event:
        raise TumblingWindow
    records = _read(source, event)
    try:
        await _work(function, source, records, context, concurrency)
    except asyncio.CancelledError as error:
        deadline.reclaim(error)
        left = sum(not record.done for record in records)
        logger.error("%d records of %s were not done before the deadline.", left, source)
    failed = [record.identifier for record in records if not record.done]
    if source is not Source.SQS:
        del failed[1:]  # a stream is read again from the lowest sequence number reported
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


async def _work(
    function: EventFunction,
    source: Source,
    records: list[_Record],
    context: Any,
    concurrency: int,
) -> None:
    lanes: dict[str, list[_Record]] = {}
    for record in records:
        lanes.setdefault(record.lane, []).append(record)
    waiting = iter(lanes.values())

    async def work() -> None:
        for lane in waiting:
            await _work_lane(function, source, lane, context)

    if concurrency == 1:
        await work()
        return
    async with asyncio.TaskGroup() as workers:
        for _ in range(min(concurrency, len(lanes))):
            workers.create_task(work())


async def _work_lane(
    function: EventFunction, source: Source, lane: list[_Record], context: Any
) -> None:
    for record in lane:
        try:
            await call(function, record.body, context)
        except Exception as error:
            logger.error("Record %s of %s failed.", record.identifier, source, exc_info=error)
            return
        record.done = True


def _read(source: Source, event: Any) -> list[_Record]:
    parent, key = _IDENTIFIERS[source]
    records = []
    for index, body in enumerate(read_list(event, "Records")):
        where = f"Records[{index}]"
        holder = require_object(body, where)
        if parent:
            holder = read_object(body, parent, f"{where}.")
            where += f".{parent}"
        identifier = require_text(holder, key, f"{where}.")
        records.append(_Record(identifier, _lane(source, body, index), body))
    return records


def _lane(source: Source, record: dict[str, Any], index: int) -> str:
    if source is not Source.SQS:
        return ""
    where = f"Records[{index}]."
    attributes = read_object(record, "attributes", where)
    # Messages of a standard queue may have a group too, for fairness; they have no order.
    if "SequenceNumber" in attributes:
        return read_text(attributes, "MessageGroupId", f"{where}attributes.")
    return str(index)
