"""librdkafka's mock cluster, which we did not write, is read for a function."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from uuid import uuid4

import pytest

from tests.triggers.kafka.broker import Cluster
from tests.triggers.played import settle
from tests.triggers.streams.test_poller import Told, until
from warmstart.invoke import MAX_PAYLOAD, InvokeResult, InvokeStream, RequestTooLarge
from warmstart.triggers.kafka import member
from warmstart.triggers.kafka.kind import kafka_pollers
from warmstart.triggers.pollers import NotRead, Pollers

NUMBERS = count()
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-a1b2c3"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster.started() as cluster:
        yield cluster


@pytest.fixture
def topic() -> str:
    return f"orders-{next(NUMBERS)}"


class Work:
    """An `Invoker` of one function, which fails at each of `poison` so many times."""

    def __init__(self, **poison: int) -> None:
        self.poison = Counter(poison)
        self.events: list[dict[str, Any]] = []
        self.values: list[str] = []

    async def invoke(self, function: str, payload: bytes, **_: Any) -> InvokeResult:
        if len(payload) > MAX_PAYLOAD:
            raise RequestTooLarge("as the service says it")
        event = json.loads(payload)
        self.events.append(event)
        for value in values(event):
            if self.poison[value]:
                self.poison[value] -= 1
                return InvokeResult("id", b"{}", "Unhandled")
        self.values += values(event)
        return InvokeResult("id", b"null")

    async def invoke_with_response_stream(self, *_: Any, **__: Any) -> InvokeStream:
        raise AssertionError("messages want no stream")

    async def wait_for(self, count: int) -> list[str]:
        while len(self.values) < count:  # noqa: ASYNC110 - pytest's own time-out ends it
            await asyncio.sleep(0.02)
        return self.values


def values(event: dict[str, Any]) -> list[str]:
    return [b64decode(each["value"]).decode() for each in records(event)]


def by_offset(message: Any) -> int:
    told = json.loads(message.value())
    return int(told["KafkaBatchInfo"]["recordInfo"]["offset"])


def records(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [record for each in event["records"].values() for record in each]


def mapping(cluster: Cluster, topic: str, **settings: Any) -> dict[str, Any]:
    return {
        "UUID": str(uuid4()),
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:work",
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [cluster.servers]}},
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": f"group-of-{topic}"},
        "Topics": [topic],
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
    } | settings


@asynccontextmanager
async def reading(
    work: Work, described: dict[str, Any], told: Told | None = None
) -> AsyncIterator[dict[str, str]]:
    results: dict[str, str] = {}
    kinds = {"kafka": kafka_pollers(work, {}, told or Told(), results)}
    async with Pollers(kinds, results=results) as pollers:
        await pollers.start(described)
        yield results
        await pollers.stop(described["UUID"])


async def test_a_function_gets_all_of_a_topic_in_order(cluster: Cluster, topic: str) -> None:
    cluster.write(topic, *map(str, range(250)), key="k", headers={"h": b"x"})
    work = Work()
    described = mapping(cluster, topic)
    async with reading(work, described) as results:
        assert await work.wait_for(250) == [str(number) for number in range(250)]
        assert results[described["UUID"]] == "OK"

    first = work.events[0]
    assert (first["eventSource"], first["bootstrapServers"]) == (
        "SelfManagedKafka",
        cluster.servers,
    )
    assert list(first["records"]) == [f"{topic}-0"]
    assert max(len(records(event)) for event in work.events) <= 100


async def test_what_fails_is_tried_again_and_holds_up_its_own_partition_alone(
    cluster: Cluster, topic: str
) -> None:
    cluster.write(topic, "a1", "a2", "a3", partition=0)
    cluster.write(topic, "b1", "b2", partition=1)
    work = Work(a2=3)
    async with reading(work, mapping(cluster, topic, BatchSize=1)):
        seen = await work.wait_for(5)

    assert [value for value in seen if value[0] == "a"] == ["a1", "a2", "a3"]
    assert [value for value in seen if value[0] == "b"] == ["b1", "b2"]
    assert seen.index("b2") < seen.index("a2")


async def test_who_comes_next_goes_on_behind_what_was_done_with(
    cluster: Cluster, topic: str
) -> None:
    cluster.write(topic, "1", "2")
    work = Work()
    async with reading(work, mapping(cluster, topic)):
        await work.wait_for(2)
    cluster.write(topic, "3")
    async with reading(work, mapping(cluster, topic)):
        assert await work.wait_for(3) == ["1", "2", "3"]


async def test_what_failed_until_the_end_comes_again(cluster: Cluster, topic: str) -> None:
    cluster.write(topic, "1", "2")
    failing = Work(**{"2": 1000})
    async with reading(failing, mapping(cluster, topic, BatchSize=1)):
        await failing.wait_for(1)
        while failing.poison["2"] == 1000:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    work = Work()
    async with reading(work, mapping(cluster, topic)):
        assert await work.wait_for(1) == ["2"]


async def test_what_is_at_the_function_when_reading_stops_does_not_come_again(
    cluster: Cluster, topic: str
) -> None:
    class Slow(Work):
        def __init__(self) -> None:
            super().__init__()
            self.entered, self.may = asyncio.Event(), asyncio.Event()

        async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
            self.entered.set()
            await self.may.wait()
            return await super().invoke(function, payload, **options)

    cluster.write(topic, "1", "2")
    slow = Slow()
    described = mapping(cluster, topic, BatchSize=1)
    async with Pollers({"kafka": kafka_pollers(slow, {}, Told(), {})}) as pollers:
        await pollers.start(described)
        await slow.entered.wait()
        stopping = asyncio.create_task(pollers.stop(described["UUID"]))
        await settle()
        slow.may.set()
        await stopping
    assert slow.values == ["1"]
    work = Work()
    async with reading(work, described):
        assert await work.wait_for(1) == ["2"]


async def test_the_latest_are_those_that_come_after_it_has_begun(
    cluster: Cluster, topic: str
) -> None:
    cluster.write(topic, "old")
    work = Work()
    described = mapping(cluster, topic, StartingPosition="LATEST")
    async with reading(work, described):
        # The group's first offsets are committed when it begins: then "new" is not the latest.
        for number in range(1000):
            cluster.write(topic, f"new-{number}")
            if work.values:
                break
            await asyncio.sleep(0.1)
    seen = list(work.values)
    assert "old" not in seen
    cluster.write(topic, "while nobody read")
    async with reading(work, described):
        while "while nobody read" not in work.values:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_retries_have_an_end_if_one_is_set(cluster: Cluster, topic: str) -> None:
    cluster.write(topic, "bad", "good")
    work = Work(bad=1000)
    described = mapping(cluster, topic, BatchSize=1, MaximumRetryAttempts=1)
    async with reading(work, described):
        assert await work.wait_for(1) == ["good"]
    assert work.poison["bad"] == 998


async def test_what_no_invocation_can_hold_is_given_up_and_told(
    cluster: Cluster, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
    # In base64 it is longer than 6 MB; the mock keeps no more of a topic than 5 MB.
    cluster.write(topic, "before")
    cluster.write(topic, "x" * 4_800_000)
    work = Work()
    async with reading(work, mapping(cluster, topic)) as results:
        assert await work.wait_for(1) == ["before"]
        await until(lambda: any("are given up" in result for result in results.values()))
        (result,) = results.values()
        assert result.startswith("PROBLEM: 1 records of")
        cluster.write(topic, "after")
        assert await work.wait_for(2) == ["before", "after"]
    assert "MaximumPayloadSizeExceeded" in caplog.text


# https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html
async def test_a_bad_message_is_found_by_halves_and_told(cluster: Cluster, topic: str) -> None:
    cluster.write(topic, "1", "2", "bad", "3")
    work, told = Work(bad=1000), Told()
    queue = "arn:aws:sqs:us-east-1:123456789012:failed"
    described = mapping(
        cluster,
        topic,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    async with reading(work, described, told):
        assert await work.wait_for(3) == ["1", "2", "3"]

    ((target, message),) = told.messages
    assert target == queue
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    info = message["KafkaBatchInfo"]
    assert (info["batchSize"], info["bootstrapServers"]) == (1, cluster.servers)
    assert info["payloadSize"] == len(
        json.dumps(next(event for event in work.events if values(event) == ["bad"]))
    )
    (place,) = info["recordsInfo"].items()
    assert place[0] == f"{topic}-0"
    assert (place[1]["firstRecordOffset"], place[1]["lastRecordOffset"]) == ("2", "2")
    assert place[1]["firstRecordTimestamp"] == place[1]["lastRecordTimestamp"]


# https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
async def test_a_topic_takes_what_failed_with_its_key_and_content(
    cluster: Cluster, topic: str
) -> None:
    failed = f"failed-{topic}"
    cluster.write(topic, "bad", key="order-1")
    cluster.write(topic, "bad")
    cluster.write(topic, "good")
    work = Work(bad=1000)
    described = mapping(
        cluster,
        topic,
        BatchSize=1,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": f"kafka://{failed}"}},
    )
    async with reading(work, described):
        assert await work.wait_for(1) == ["good"]

    first, second = sorted(await asyncio.to_thread(cluster.read, failed, 2), key=by_offset)
    assert (first.key(), second.key()) == (b"order-1", None)
    document = json.loads(first.value())
    assert document["requestContext"]["condition"] == "RetriesExhausted"
    info = document["KafkaBatchInfo"]
    assert (info["batchSize"], info["recordInfo"]["offset"]) == (1, "0")
    assert info["payloadSize"] == len(json.dumps(document["payload"]))
    assert document["payload"] == work.events[0]


async def test_of_a_batch_only_what_is_reported_comes_again(cluster: Cluster, topic: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    class Reporting(Work):
        async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
            result = await super().invoke(function, payload, **options)
            failed = [
                {"itemIdentifier": {"topic-partition": f"{topic}-0", "offset": each["offset"]}}
                for each in records(self.events[0])
                if each["offset"] in (1, 3)
            ]
            if len(self.events) > 1:
                return result
            return InvokeResult("id", json.dumps({"batchItemFailures": failed}).encode())

    cluster.write(topic, *"01234")
    work = Reporting()
    described = mapping(
        cluster,
        topic,
        BatchSize=5,
        MaximumBatchingWindowInSeconds=300,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    async with reading(work, described):
        await work.wait_for(7)
    assert [values(event) for event in work.events] == [list("01234"), ["1", "3"]]


async def test_a_fault_of_ours_passes_no_message_over(
    cluster: Cluster, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(Work):
        faults = 2

        async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
            if self.faults:
                self.faults -= 1
                raise RuntimeError("a fault of ours")
            return await super().invoke(function, payload, **options)

    cluster.write(topic, "1", "2", "3")
    work = Faulty()
    async with reading(work, mapping(cluster, topic, BatchSize=2)):
        assert await work.wait_for(3) == ["1", "2", "3"]
    assert "a fault of ours" in caplog.text


async def test_only_what_the_filter_wants_is_told(cluster: Cluster, topic: str) -> None:
    cluster.write(topic, '{"n": 1}', '{"n": 2}', "text", '{"n": 1}')
    filters = {"Filters": [{"Pattern": '{"value": {"n": [1]}}'}]}
    work = Work()
    async with reading(work, mapping(cluster, topic, FilterCriteria=filters)):
        assert await work.wait_for(2) == ['{"n": 1}'] * 2


async def test_a_topic_longer_than_what_is_read_ahead_arrives_whole(
    cluster: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mock keeps the last 5 MB of a topic.
    monkeypatch.setattr(member, "_MOST", 1 << 20)
    monkeypatch.setattr(member, "_LEAST", 1 << 18)
    sent = [f"{number}-" + "x" * 1000 for number in range(3000)]
    cluster.write(topic, *sent)
    work = Work()
    async with reading(work, mapping(cluster, topic)):
        assert await work.wait_for(3000) == sent


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            {"SourceAccessConfigurations": [{"Type": "OAUTHBEARER_AUTH", "URI": "arn"}]},
            "OAUTHBEARER_AUTH is not served",
        ),
        (
            {"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}]},
            "set AWS_ENDPOINT_URL_SECRETS_MANAGER",
        ),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:x"}}}, "only SQS, SNS and S3"),
        (
            {"EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1"},
            "set AWS_ENDPOINT_URL_KAFKA",
        ),
        ({"SelfManagedEventSource": {"Endpoints": {}}}, "no KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
async def test_what_is_not_honoured_is_refused(
    cluster: Cluster, topic: str, settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(NotRead, match=complaint):
        kafka_pollers(Work(), {}, Told(), {})(mapping(cluster, topic, **settings))
