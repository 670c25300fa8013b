"""moto's server, which we did not write, is SQS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import SqsModel

from tests.triggers.moto_server import client, endpoint
from warmstart.invoke import InvokeResult, InvokeStream, ResourceNotFound, TooManyRequests
from warmstart.triggers.clock import Clock
from warmstart.triggers.pollers import NotRead, Pollers
from warmstart.triggers.queues.kind import queue_pollers

__all__ = ["endpoint"]

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"
NUMBERS = count()
DONE = b"null"


async def until(done: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what no event tells of; pytest's own time-out ends it."""
    while not await done():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


Handler = Callable[[list[dict[str, Any]]], Awaitable[bytes]]


class Work:
    """An `Invoker` of one function, which a test writes; an exception of it is its error."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.events: list[dict[str, Any]] = []
        self.targets: list[tuple[str, str | None]] = []
        self.running = 0
        self.most = 0

    async def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, **_: Any
    ) -> InvokeResult:
        event = json.loads(payload)
        self.events.append(event)
        self.targets.append((function, qualifier))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return InvokeResult("id", await self._handler(event["Records"]))
        except ValueError as error:
            return InvokeResult("id", str(error).encode(), "Unhandled")
        finally:
            self.running -= 1

    async def invoke_with_response_stream(self, *_: Any, **__: Any) -> InvokeStream:
        raise AssertionError("a queue wants no stream")

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for event in self.events for record in event["Records"]]


async def succeed(records: list[dict[str, Any]]) -> bytes:
    return DONE


class Queue:
    """A queue of moto's, and its dead-letter queue.

    No test is so slow that a message's visibility ends in it; `show` ends it.
    """

    def __init__(self, url: str, *, fifo: bool = False, receives: int = 100) -> None:
        self.endpoint = url
        self._client = client(url, "sqs")
        suffix = ".fifo" if fifo else ""
        attributes = {"FifoQueue": "true"} if fifo else {}
        self.dead, dead_arn = self.create(f"dead-{next(NUMBERS)}{suffix}", attributes)
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": receives})
        attributes |= {"RedrivePolicy": redrive, "VisibilityTimeout": "600"}
        self.url, self.arn = self.create(f"queue-{next(NUMBERS)}{suffix}", attributes)

    def create(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        url = self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    async def send(self, *bodies: str, **options: Any) -> None:
        for body in bodies:
            await asyncio.to_thread(
                self._client.send_message, QueueUrl=self.url, MessageBody=body, **options
            )

    async def show(self, record: dict[str, Any]) -> None:
        """Have a message that was received be visible again, as if its time were over."""
        await asyncio.to_thread(
            self._client.change_message_visibility,
            QueueUrl=self.url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=0,
        )

    async def left(self) -> int:
        """Messages that are in the queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = await asyncio.to_thread(
            self._client.get_queue_attributes, QueueUrl=self.url, AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)

    async def dead_letters(self) -> list[str]:
        found = await asyncio.to_thread(
            self._client.receive_message, QueueUrl=self.dead, MaxNumberOfMessages=10
        )
        return [message["Body"] for message in found.get("Messages", [])]

    async def empty(self) -> None:
        async def is_empty() -> bool:
            return await self.left() == 0

        await until(is_empty)

    @asynccontextmanager
    async def read(self, work: Work, **settings: Any) -> AsyncIterator[Pollers]:
        """Read the queue, as the Lambda API's mapping says."""
        mapping = {
            "UUID": "mapping",
            "EventSourceArn": self.arn,
            "FunctionArn": FUNCTION,
            "BatchSize": 10,
            **settings,
        }
        kind = queue_pollers(work, {"sqs": self.endpoint}, long_poll=1)
        async with Pollers({"sqs": kind}) as pollers:
            await pollers.start(mapping)
            yield pollers
            await pollers.stop("mapping")


@pytest.fixture
def queue(endpoint: str) -> Queue:
    return Queue(endpoint)


async def test_a_message_reaches_the_function_as_sqs_sends_it(queue: Queue) -> None:
    work = Work(succeed)
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    async with queue.read(work, FunctionArn=f"{FUNCTION}:prod"):
        await queue.send("hello", MessageAttributes=attributes)
        await queue.empty()

    (event,) = work.events
    SqsModel.model_validate(event)
    (record,) = event["Records"]
    assert record["body"] == "hello"
    assert record["eventSourceARN"] == queue.arn
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {
        "kind": {
            "stringValue": "order",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "raw": {
            "binaryValue": "AP8=",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "Binary",
        },
    }
    assert work.targets == [("work", "prod")]


async def test_what_fails_comes_again_until_it_is_a_dead_letter(endpoint: str) -> None:
    queue = Queue(endpoint, receives=2)

    async def fail(records: list[dict[str, Any]]) -> bytes:
        await queue.show(*records)
        raise ValueError("no")

    work = Work(fail)
    dead: list[str] = []

    async def is_dead() -> bool:
        dead.extend(await queue.dead_letters())
        return bool(dead)

    async with queue.read(work):
        await queue.send("bad")
        await until(is_dead)

    assert dead == ["bad"]
    assert work.bodies == ["bad", "bad"]


async def test_of_a_batch_only_what_is_reported_comes_again(queue: Queue) -> None:
    async def report(records: list[dict[str, Any]]) -> bytes:
        failed = [record for record in records if record["body"] == "bad" and is_first(record)]
        for record in failed:
            await queue.show(record)
        identifiers = [{"itemIdentifier": record["messageId"]} for record in failed]
        return json.dumps({"batchItemFailures": identifiers}).encode()

    work = Work(report)
    await queue.send("good", "bad", "fine")
    async with queue.read(work, FunctionResponseTypes=["ReportBatchItemFailures"]):
        await queue.empty()

    assert sorted(work.bodies) == ["bad", "bad", "fine", "good"]


async def test_a_report_that_makes_no_sense_fails_the_batch(queue: Queue) -> None:
    async def report(records: list[dict[str, Any]]) -> bytes:
        if not is_first(*records):
            return DONE
        await queue.show(*records)
        return b'{"batchItemFailures": [{"itemIdentifier": "x"}]}'

    work = Work(report)
    await queue.send("a")
    async with queue.read(work, FunctionResponseTypes=["ReportBatchItemFailures"]):
        await queue.empty()

    assert work.bodies == ["a", "a"]


async def test_what_is_filtered_out_is_deleted_and_never_handled(queue: Queue) -> None:
    work = Work(succeed)
    pattern = json.dumps({"body": {"amount": [{"numeric": [">", 5]}]}})
    await queue.send('{"amount": 1}', '{"amount": 9}', "text")
    async with queue.read(work, FilterCriteria={"Filters": [{"Pattern": pattern}]}):
        await queue.empty()

    assert work.bodies == ['{"amount": 9}']


async def test_a_window_gathers_a_batch_larger_than_one_answer(queue: Queue) -> None:
    work = Work(succeed)
    bodies = [str(number) for number in range(25)]
    await queue.send(*bodies)
    async with queue.read(work, BatchSize=25, MaximumBatchingWindowInSeconds=30):
        await queue.empty()

    assert len(work.events) == 1
    assert sorted(work.bodies) == sorted(bodies)


async def test_a_fifo_queues_groups_keep_their_order(endpoint: str) -> None:
    queue = Queue(endpoint, fifo=True)

    for number in range(12):
        group = "ab"[number % 2]
        await queue.send(
            f"{group}{number}", MessageGroupId=group, MessageDeduplicationId=str(number)
        )
    work = Work(succeed)
    async with queue.read(work, BatchSize=3):
        await queue.empty()

    for group in "ab":
        found = [body for body in work.bodies if body[0] == group]
        assert found == sorted(found, key=lambda body: int(body[1:]))


async def test_a_group_waits_for_its_message_that_failed(endpoint: str) -> None:
    """One message at a time: of several that failed together, moto hands out the last first."""
    queue = Queue(endpoint, fifo=True)
    done: list[str] = []

    async def fail_first(records: list[dict[str, Any]]) -> bytes:
        (record,) = records
        if is_first(record) and record["body"][1:] in "14":
            await queue.show(record)
            raise ValueError("no")
        done.append(record["body"])
        return DONE

    for number in range(10):
        group = "ab"[number % 2]
        await queue.send(
            f"{group}{number}", MessageGroupId=group, MessageDeduplicationId=str(number)
        )
    async with queue.read(work := Work(fail_first), BatchSize=1):
        await queue.empty()

    assert [body for body in work.bodies if body[0] == "a"] == ["a0", "a2", "a4", "a4", "a6", "a8"]
    for group in "ab":
        found = [body for body in done if body[0] == group]
        assert found == sorted(found)


async def test_no_more_batches_run_together_than_the_mapping_allows(queue: Queue) -> None:
    async def linger(records: list[dict[str, Any]]) -> bytes:
        await asyncio.sleep(0.02)
        return DONE

    work = Work(linger)
    await queue.send(*map(str, range(20)))
    async with queue.read(work, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}):
        await queue.empty()

    assert work.most == 2
    assert len(work.events) >= 20


async def test_a_throttled_function_is_tried_again_with_the_same_batch(queue: Queue) -> None:
    throttles = iter([True, True])

    async def throttle(records: list[dict[str, Any]]) -> bytes:
        if next(throttles, False):
            raise TooManyRequests("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")
        return DONE

    work = Work(throttle)
    await queue.send("a")
    async with queue.read(work):
        await queue.empty()

    assert [record["attributes"]["ApproximateReceiveCount"] for record in records(work)] == [
        "1"
    ] * 3


async def test_messages_for_a_function_that_is_gone_stay_in_the_queue(queue: Queue) -> None:
    async def gone(records: list[dict[str, Any]]) -> bytes:
        raise ResourceNotFound("Function not found")

    async def was_tried() -> bool:
        return bool(work.events)

    work = Work(gone)
    await queue.send("a")
    async with queue.read(work):
        await until(was_tried)

    assert await queue.left() == 1


async def test_a_queue_that_comes_later_is_read_then(
    queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    mapping = {
        "UUID": "mapping",
        "EventSourceArn": f"{queue.arn}-later",
        "FunctionArn": FUNCTION,
        "BatchSize": 10,
    }

    async def was_told() -> bool:
        return f"{queue.arn}-later cannot be read, will try again: " in caplog.text

    async def was_handled() -> bool:
        return work.bodies == ["hello"]

    work = Work(succeed)
    clock = Clock(sleep=lambda _: asyncio.sleep(0))
    kind = queue_pollers(work, {"sqs": queue.endpoint}, clock=clock, long_poll=1)
    async with Pollers({"sqs": kind}) as pollers:
        await pollers.start(mapping)
        await until(was_told)
        queue.url, _ = queue.create(f"{queue.arn.split(':')[5]}-later", {})
        await queue.send("hello")
        await until(was_handled)
        await pollers.stop("mapping")

    assert "Traceback" not in caplog.text


async def test_what_comes_after_stopping_is_left_for_others(queue: Queue) -> None:
    work = Work(succeed)
    async with queue.read(work) as pollers:
        await queue.send("first")
        await queue.empty()
        await pollers.stop("mapping")
        await queue.send("second")

    assert work.bodies == ["first"]
    other = Work(succeed)
    async with queue.read(other):
        await queue.empty()
    assert other.bodies == ["second"]


async def test_what_cannot_be_read_is_told() -> None:
    async with Pollers({"sqs": queue_pollers(Work(succeed), {})}) as pollers:
        for arn, reason in (
            ("arn:aws:sqs:us-east-1:123456789012:q", "AWS_ENDPOINT_URL_SQS"),
            ("arn:aws:kinesis:us-east-1:123456789012:stream/s", "is not read: sources are of sqs"),
        ):
            mapping = {"UUID": "m", "EventSourceArn": arn, "FunctionArn": FUNCTION, "BatchSize": 1}
            with pytest.raises(NotRead, match=reason):
                await pollers.start(mapping)


def is_first(record: dict[str, Any]) -> bool:
    """Whether a message is received for the first time."""
    return bool(record["attributes"]["ApproximateReceiveCount"] == "1")


def records(work: Work) -> list[dict[str, Any]]:
    return [record for event in work.events for record in event["Records"]]
