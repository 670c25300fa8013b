"""moto's server, which we did not write, is Kinesis and DynamoDB."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    DynamoDBStreamModel,
    KinesisDataStreamModel,
)

from tests.triggers.moto_server import client, endpoint
from tests.triggers.played import settle
from warmstart.invoke import InvokeResult, InvokeStream
from warmstart.service.asynchronous.destinations import Destinations
from warmstart.service.asynchronous.failure_records import FailureRecords
from warmstart.triggers.pollers import NotRead, Pollers
from warmstart.triggers.streams.destinations import FailureDestinations
from warmstart.triggers.streams.kind import stream_pollers
from warmstart.triggers.streams.model import Answer, Position, Record, Shard, StreamMapping
from warmstart.triggers.streams.poller import StreamPoller
from warmstart.triggers.streams.positions import Positions

__all__ = ["endpoint"]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"
Handler = Callable[[dict[str, Any]], Awaitable[Any]]


async def until(done: Callable[[], bool]) -> None:
    """Wait for what no event tells of; pytest's own time-out ends it."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def succeed(event: dict[str, Any]) -> Any:
    return None


class Work:
    """An `Invoker` of one function, which a test writes; an exception of it is its error."""

    def __init__(self, handler: Handler = succeed) -> None:
        self._handler = handler
        self.events: list[dict[str, Any]] = []

    async def invoke(self, function: str, payload: bytes, **_: Any) -> InvokeResult:
        event = json.loads(payload)
        self.events.append(event)
        try:
            return InvokeResult("id", json.dumps(await self._handler(event)).encode())
        except ValueError as error:
            return InvokeResult("id", str(error).encode(), "Unhandled")

    async def invoke_with_response_stream(self, *_: Any, **__: Any) -> InvokeStream:
        raise AssertionError("a stream of records wants no stream")

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.events for record in event["Records"]]

    @property
    def sequences(self) -> list[str]:
        return [record["kinesis"]["sequenceNumber"] for record in self.records]

    @property
    def keys(self) -> list[str]:
        return [record["kinesis"]["partitionKey"] for record in self.records]


class Told:
    """The on-failure destination."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []

    async def send(
        self, target: str, body: str, function_arn: str, *, key: str | None = None
    ) -> None:
        self.messages.append((target, json.loads(body)))


class Reading:
    """What reads streams of moto's, with its positions in a directory."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.told = Told()
        self.destinations: FailureDestinations = self.told
        self.results: dict[str, str] = {}

    @asynccontextmanager
    async def reading(self, arn: str, work: Work, **settings: Any) -> AsyncIterator[Pollers]:
        mapping = {
            "UUID": "mapping",
            "EventSourceArn": arn,
            "FunctionArn": FUNCTION,
            "BatchSize": 100,
            "StartingPosition": "TRIM_HORIZON",
            **settings,
        }
        endpoints = {"kinesis": self.url, "dynamodbstreams": self.url}
        positions = Positions(self.directory)
        kind = stream_pollers(
            work, endpoints, positions, self.destinations, self.results, listed_every=0.1
        )
        try:
            kinds = {"kinesis": kind, "dynamodb": kind}
            async with Pollers(kinds, results=self.results) as pollers:
                await pollers.start(mapping)
                yield pollers
        finally:
            positions.close()

    def create_stream(self, shards: int = 1) -> str:
        name = f"stream-{uuid4().hex}"
        kinesis = client(self.url, "kinesis")
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        arn: str = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
        return arn

    async def put(self, arn: str, *keys: str) -> None:
        name = arn.partition("/")[2]
        records = [{"Data": json.dumps({"key": key}), "PartitionKey": key} for key in keys]
        await asyncio.to_thread(
            client(self.url, "kinesis").put_records, StreamName=name, Records=records
        )


@pytest.fixture
def streams(endpoint: str, tmp_path: Path) -> Reading:
    return Reading(endpoint, tmp_path)


async def test_records_of_kinesis_reach_the_function_as_aws_has_them(streams: Reading) -> None:
    arn = streams.create_stream()
    work = Work()
    await streams.put(arn, "a", "b")
    async with streams.reading(arn, work) as pollers:
        await until(lambda: len(work.records) == 2)
        await until(lambda: pollers.last_result("mapping") == "OK")

    KinesisDataStreamModel.model_validate(work.events[0])
    assert work.keys == ["a", "b"]
    record = work.records[0]
    assert record["eventSourceARN"] == arn
    assert record["eventID"] == f"shardId-000000000000:{work.sequences[0]}"


async def test_reading_goes_on_behind_the_last_batch(streams: Reading) -> None:
    arn = streams.create_stream()
    await streams.put(arn, "a", "b")
    work = Work()
    async with streams.reading(arn, work):
        await until(lambda: streams.results.get("mapping") == "OK")
    await streams.put(arn, "c")
    async with streams.reading(arn, work):
        await until(lambda: "c" in work.keys)

    assert work.keys == ["a", "b", "c"]


async def test_what_is_at_the_function_when_reading_stops_does_not_come_again(
    streams: Reading,
) -> None:
    arn = streams.create_stream()
    entered, may = asyncio.Event(), asyncio.Event()

    async def wait(event: dict[str, Any]) -> None:
        entered.set()
        await may.wait()

    work = Work(wait)
    await streams.put(arn, "a", "b")
    async with streams.reading(arn, work, BatchSize=1) as pollers:
        await entered.wait()
        stopping = asyncio.create_task(pollers.stop("mapping"))
        await settle()
        may.set()
        await stopping
    assert work.keys == ["a"]
    async with streams.reading(arn, work):
        await until(lambda: "b" in work.keys)
    assert work.keys == ["a", "b"]


async def test_the_latest_begin_where_the_mapping_does_over_a_restart(streams: Reading) -> None:
    arn = streams.create_stream()
    await streams.put(arn, "before")
    # The oldest second of what comes is the mapping's, and moto's clock is ours.
    work = Work()
    async with streams.reading(arn, work, StartingPosition="LATEST"):
        await until(lambda: _has_positions(streams))
    await streams.put(arn, "while nobody reads")
    async with streams.reading(arn, work, StartingPosition="LATEST"):
        await until(lambda: "while nobody reads" in work.keys)

    assert work.keys == ["while nobody reads"]


class Resharded:
    """A `Source` as AWS's: a shard that was split ends, which moto's shards never do."""

    batch_info = "KinesisBatchInfo"
    most = 10

    def __init__(self) -> None:
        self.split = False
        self.records = {
            shard: [
                Record(f"{shard}-{n}", "k", 0.0, {"id": f"{shard}-{n}", "kinesis": {"data": ""}})
                for n in range(3)
            ]
            for shard in ("parent", "child-0", "child-1")
        }

    def shards(self) -> list[Shard]:
        children = [Shard(f"child-{n}", ("parent",)) for n in range(2)]
        return [*(children if self.split else []), Shard("parent", (), self.split)]

    def iterator(self, shard_id: str, position: Position) -> str:
        if position.sequence is None:
            return "0"
        return str(int(position.sequence.rpartition("-")[2]) + 1)

    def read(self, shard_id: str, iterator: str, limit: int) -> Answer:
        at = int(iterator)
        found = self.records[shard_id][at : at + min(limit, 2)]
        following = str(at + len(found))
        ended = shard_id == "parent" and self.split and not found
        return Answer(found, None if ended else following)


async def test_children_are_read_after_their_parents(tmp_path: Path) -> None:
    source = Resharded()
    ids: list[str] = []

    async def note(event: dict[str, Any]) -> None:
        ids.extend(record["id"] for record in event["Records"])

    positions = Positions(tmp_path)
    mapping = StreamMapping.read(
        {
            "UUID": "m",
            "EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            "FunctionArn": FUNCTION,
            "BatchSize": 2,
            "StartingPosition": "TRIM_HORIZON",
        }
    )
    poller = StreamPoller(
        mapping, source, Work(note), positions, None, lambda _: None, listed_every=0.05
    )
    poller.start()
    await until(lambda: len(ids) == 3)
    source.split = True
    await until(lambda: len(ids) == 9)
    await poller.stop()

    assert ids[:3] == ["parent-0", "parent-1", "parent-2"]
    for child in ("child-0", "child-1"):
        assert [i for i in ids if i.startswith(child)] == [f"{child}-{n}" for n in range(3)]
    assert positions.all("m")["parent"].finished
    positions.forget("m")
    assert positions.all("m") == {}
    positions.close()


async def test_a_bad_record_is_found_by_halves_and_told(streams: Reading) -> None:
    arn = streams.create_stream()
    keys = ["a", "b", "bad", "c", "d"]

    async def fail(event: dict[str, Any]) -> None:
        if any(record["kinesis"]["partitionKey"] == "bad" for record in event["Records"]):
            raise ValueError("no")

    work = Work(fail)
    await streams.put(arn, *keys)
    queue = "arn:aws:sqs:us-east-1:123456789012:failed"
    async with streams.reading(
        arn,
        work,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    ):
        await until(lambda: bool(streams.told.messages))
        await until(lambda: work.keys[-1] == "d")

    ((target, told),) = streams.told.messages
    bad = next(
        record["kinesis"]["sequenceNumber"]
        for record in work.records
        if record["kinesis"]["partitionKey"] == "bad"
    )
    assert target == queue
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["functionArn"] == FUNCTION
    assert told["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    info = told["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == (bad, bad)
    assert (info["batchSize"], info["streamArn"]) == (1, arn)


# https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
async def test_a_bucket_is_given_the_whole_event_under_awss_name(streams: Reading) -> None:
    arn, bucket = streams.create_stream(), f"bucket-{uuid4().hex}"
    s3 = client(streams.url, "s3")
    s3.create_bucket(Bucket=bucket)

    async def fail(event: dict[str, Any]) -> None:
        raise ValueError("no")

    def objects() -> list[str]:
        return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    work = Work(fail)
    await streams.put(arn, "a", "b")
    streams.destinations = FailureRecords(Destinations({"s3": streams.url}))
    failures = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    async with streams.reading(arn, work, MaximumRetryAttempts=0, DestinationConfig=failures):
        while not await asyncio.to_thread(objects):  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    (key,) = objects()
    assert re.fullmatch(
        r"aws/lambda/mapping/shardId-000000000000/\d{4}/\d\d/\d\d/"
        r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}",
        key,
    )
    kept = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert kept["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert kept["KinesisBatchInfo"]["batchSize"] == 2
    assert json.loads(kept["payload"]) == {"Records": work.records}


async def test_reading_goes_on_with_the_lowest_reported_failure(streams: Reading) -> None:
    arn = streams.create_stream()
    seen: set[str] = set()

    async def report(event: dict[str, Any]) -> Any:
        for record in event["Records"]:
            sequence = record["kinesis"]["sequenceNumber"]
            if record["kinesis"]["partitionKey"] == "bad" and sequence not in seen:
                seen.add(sequence)
                return {"batchItemFailures": [{"itemIdentifier": sequence}]}
        return {"batchItemFailures": []}

    work = Work(report)
    await streams.put(arn, "a", "bad", "c")
    async with streams.reading(arn, work, FunctionResponseTypes=["ReportBatchItemFailures"]):
        await until(lambda: streams.results.get("mapping") == "OK")

    assert work.keys == ["a", "bad", "c", "bad", "c"]


async def test_the_order_of_a_key_is_kept_while_keys_go_side_by_side(streams: Reading) -> None:
    arn = streams.create_stream()
    running, most = 0, 0

    async def slow(event: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    work = Work(slow)
    keys = [f"key-{number % 8}" for number in range(80)]
    await streams.put(arn, *keys)
    async with streams.reading(arn, work, ParallelizationFactor=4, BatchSize=5):
        await until(lambda: len(work.records) == 80)

    assert most > 1
    for key in set(keys):
        own = [int(s) for s, k in zip(work.sequences, work.keys, strict=True) if k == key]
        assert own == sorted(own)


async def test_patterns_look_into_the_data(streams: Reading) -> None:
    arn = streams.create_stream()
    work = Work()
    await streams.put(arn, "no", "yes", "no")
    pattern = json.dumps({"data": {"key": ["yes"]}})
    async with streams.reading(arn, work, FilterCriteria={"Filters": [{"Pattern": pattern}]}):
        await until(lambda: bool(work.records))
    assert work.keys == ["yes"]


async def test_a_window_hands_its_state_on_and_is_ended(streams: Reading) -> None:
    arn = streams.create_stream()

    async def count(event: dict[str, Any]) -> Any:
        return {"state": {"n": event["state"].get("n", 0) + len(event["Records"])}}

    work = Work(count)
    await streams.put(arn, *("a" for _ in range(5)))
    async with streams.reading(arn, work, TumblingWindowInSeconds=1, BatchSize=2):
        await until(lambda: any(event["isFinalInvokeForWindow"] for event in work.events))

    final = [event for event in work.events if event["isFinalInvokeForWindow"]]
    assert sum(event["state"]["n"] for event in final) <= 5
    assert final[0]["Records"] == []
    assert final[0]["isWindowTerminatedEarly"] is False
    assert final[0]["shardId"] == "shardId-000000000000"
    before = [
        event
        for event in work.events
        if event["window"] == final[0]["window"] and not event["isFinalInvokeForWindow"]
    ]
    assert final[0]["state"]["n"] == sum(len(event["Records"]) for event in before)


async def test_changes_of_a_table_reach_the_function_with_typed_images(streams: Reading) -> None:
    dynamodb = client(streams.url, "dynamodb")
    table = dynamodb.create_table(
        TableName=f"table-{uuid4().hex}",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    name, arn = table["TableName"], table["LatestStreamArn"]
    item = {"id": {"S": "1"}, "n": {"N": "4"}, "raw": {"B": b"\x00\xff"}}
    work = Work()
    async with streams.reading(arn, work):
        await asyncio.to_thread(dynamodb.put_item, TableName=name, Item=item)
        await until(lambda: len(work.records) == 1)
    await asyncio.to_thread(dynamodb.delete_item, TableName=name, Key={"id": {"S": "1"}})
    async with streams.reading(arn, work):
        await until(lambda: len(work.records) == 2)

    inserted, removed = work.records
    for event in work.events:
        DynamoDBStreamModel.model_validate(event)
    assert (inserted["eventName"], removed["eventName"]) == ("INSERT", "REMOVE")
    assert inserted["dynamodb"]["Keys"] == {"id": {"S": "1"}}
    assert inserted["dynamodb"]["NewImage"] == {**item, "raw": {"B": "AP8="}}
    assert removed["dynamodb"]["OldImage"] == inserted["dynamodb"]["NewImage"]
    assert inserted["eventSourceARN"] == arn


async def test_a_stream_that_is_not_there_is_told_and_read_when_it_is(streams: Reading) -> None:
    name = f"stream-{uuid4().hex}"
    arn = f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"
    work = Work()
    async with streams.reading(arn, work):
        await until(lambda: streams.results.get("mapping", "").startswith("PROBLEM: "))
        await asyncio.to_thread(
            client(streams.url, "kinesis").create_stream, StreamName=name, ShardCount=1
        )
        await streams.put(arn, "a")
        await until(lambda: streams.results["mapping"] == "OK")
    assert work.keys == ["a"]


async def test_what_cannot_take_failures_is_told(streams: Reading) -> None:
    arn = streams.create_stream()
    target = "arn:aws:events:us-east-1:123456789012:event-bus/default"
    with pytest.raises(NotRead, match="only SQS, SNS and S3"):
        async with streams.reading(
            arn, Work(), DestinationConfig={"OnFailure": {"Destination": target}}
        ):
            pass


def _has_positions(streams: Reading) -> bool:
    positions = Positions(streams.directory)
    try:
        return bool(positions.all("mapping"))
    finally:
        positions.close()
