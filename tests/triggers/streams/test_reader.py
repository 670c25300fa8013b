from __future__ import annotations

import asyncio

from botocore.exceptions import ClientError

from tests.triggers.streams.test_poller import FUNCTION, Work
from warmstart.triggers.clock import Clock
from warmstart.triggers.streams.batch import BatchHandler
from warmstart.triggers.streams.failures import Place
from warmstart.triggers.streams.model import Answer, Position, Record, Shard, StreamMapping
from warmstart.triggers.streams.reader import ShardReader


def records(*numbers: int) -> list[Record]:
    return [Record(f"{n:03}", "k", 0.0, {"id": n, "kinesis": {"data": ""}}) for n in numbers]


class Interrupted:
    """A closed shard whose second read fails, as of an iterator that has expired."""

    batch_info = "KinesisBatchInfo"
    most = 10

    def __init__(self) -> None:
        self._reads = 0
        self._left = records(*range(6))

    def shards(self) -> list[Shard]:
        raise AssertionError("the shard is known")

    def iterator(self, shard_id: str, position: Position) -> str:
        return "0" if position.sequence is None else str(int(position.sequence) + 1)

    def read(self, shard_id: str, iterator: str, limit: int) -> Answer:
        self._reads += 1
        if self._reads == 2:
            error = {"Error": {"Code": "ExpiredIteratorException"}}
            raise ClientError(error, "GetRecords")
        at = int(iterator)
        found = self._left[at : at + 2]
        return Answer(found, str(at + 2) if found else None)


async def test_what_was_gathered_before_an_iterator_expired_is_not_gathered_again() -> None:
    work = Work()
    mapping = StreamMapping.read(
        {
            "UUID": "m",
            "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "FunctionArn": FUNCTION,
            "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 60,
            "StartingPosition": "TRIM_HORIZON",
        }
    )
    kept: list[Position] = []
    clock = Clock(sleep=lambda _: asyncio.sleep(0))
    handler = BatchHandler(mapping, Place("s", "x"), work, None, clock, lambda _: None)
    reader = ShardReader(
        mapping,
        Shard("s"),
        Interrupted(),
        handler,
        Position(),
        lambda _, position: kept.append(position),
        clock,
        lambda _: None,
    )
    await reader.read()

    assert [record["id"] for record in work.records] == list(range(6))
    assert kept[-1].finished
