"""Records handled one by one, and the report of those that failed."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.adapter import samples
from tests.adapter.exchanges import Context
from warmstart.adapter.batches import TumblingWindow
from warmstart.adapter.handler import ASGIHandler
from warmstart.events.errors import MalformedEvent


async def app(scope: Any, receive: Any, send: Any) -> None:
    raise NotImplementedError


class Worker:
    """A function of records that fails on some and notes what it was called with."""

    def __init__(self, *failing: str) -> None:
        self.seen: list[str] = []
        self._failing = failing

    def __call__(self, record: dict[str, Any], context: Any) -> None:
        identifier = identify(record)
        self.seen.append(identifier)
        if identifier in self._failing:
            raise ValueError(f"cannot do {identifier}")


def identify(record: dict[str, Any]) -> str:
    identifier: str = (
        record.get("messageId")
        or record.get("kinesis", {}).get("sequenceNumber")
        or record["dynamodb"]["SequenceNumber"]
    )
    return identifier


def reported(result: dict[str, Any]) -> list[str]:
    assert list(result) == ["batchItemFailures"]
    for item in result["batchItemFailures"]:
        assert list(item) == ["itemIdentifier"]  # another key fails the whole batch
    return [item["itemIdentifier"] for item in result["batchItemFailures"]]


def handle(event: Any, worker: Any, *, concurrency: int = 1, context: Any = None) -> dict[str, Any]:
    handler = ASGIHandler(app, lifespan="off")
    handler.on("sqs", "kinesis", "dynamodb", each="record", concurrency=concurrency)(worker)
    try:
        result: dict[str, Any] = handler(event, context)
    finally:
        handler.stop_environment()
    return result


@pytest.mark.parametrize(
    "event", [samples.sqs("a", "b"), samples.kinesis("1", "2"), samples.dynamodb("1", "2")]
)
@pytest.mark.parametrize("concurrency", [1, 5])
def test_a_batch_without_failures_reports_none(event: Any, concurrency: int) -> None:
    worker = Worker()

    assert reported(handle(event, worker, concurrency=concurrency)) == []
    assert worker.seen == [identify(record) for record in event["Records"]]


def test_the_function_gets_the_record_and_the_context() -> None:
    event, context, got = samples.sqs("a"), Context(), []
    handle(event, lambda record, context: got.append((record, context)), context=context)

    assert got == [(event["Records"][0], context)]


@pytest.mark.parametrize("concurrency", [1, 2, 10])
def test_each_message_of_a_standard_queue_fails_alone(concurrency: int) -> None:
    worker = Worker("a", "c")

    result = handle(samples.sqs("a", "b", "c", "d"), worker, concurrency=concurrency)

    assert reported(result) == ["a", "c"]
    assert worker.seen == ["a", "b", "c", "d"]


@pytest.mark.parametrize("build", [samples.kinesis, samples.dynamodb])
def test_a_stream_stops_at_the_first_failure_and_reports_it_alone(build: Any) -> None:
    worker = Worker("2", "3")

    assert reported(handle(build("1", "2", "3", "4"), worker, concurrency=10)) == ["2"]
    assert worker.seen == ["1", "2"]


@pytest.mark.parametrize("concurrency", [1, 10])
def test_a_group_of_a_fifo_queue_stops_at_its_failure_and_the_others_go_on(
    concurrency: int,
) -> None:
    worker = Worker("a2")
    event = samples.fifo(("a1", "a"), ("b1", "b"), ("a2", "a"), ("a3", "a"), ("b2", "b"))

    assert reported(handle(event, worker, concurrency=concurrency)) == ["a2", "a3"]
    assert sorted(worker.seen) == ["a1", "a2", "b1", "b2"]


def test_a_group_of_a_standard_queue_has_no_order() -> None:
    event = samples.sqs("a", "b")
    for record in event["Records"]:
        record["attributes"]["MessageGroupId"] = "tenant"  # a fair queue's

    assert reported(handle(event, Worker("a"))) == ["a"]


def test_a_failure_is_logged_with_the_records_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "warmstart"):
        handle(samples.sqs("a", "b"), Worker("b"))

    (record,) = caplog.records
    assert record.getMessage() == "Record b of sqs failed."
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "cannot do b"


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, 1), (2, 2), (10, 4)])
def test_async_functions_run_as_many_at_a_time_as_allowed(concurrency: int, at_once: int) -> None:
    running = most = 0

    async def worker(record: Any, context: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(3):
            await asyncio.sleep(0)
        running -= 1

    result = handle(samples.sqs("a", "b", "c", "d"), worker, concurrency=concurrency)

    assert reported(result) == []
    assert most == at_once


@pytest.mark.parametrize("concurrency", [1, 2])
def test_what_is_not_done_at_the_deadline_is_reported_too(
    concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def worker(record: Any, context: Any) -> None:
        if record["messageId"] != "a":
            await asyncio.get_running_loop().create_future()

    result = handle(
        samples.sqs("a", "b", "c"), worker, concurrency=concurrency, context=Context(remaining=0)
    )

    assert reported(result) == ["b", "c"]
    assert "2 records of sqs were not done before the deadline" in caplog.text


def test_a_function_that_cancels_itself_fails_its_record_alone() -> None:
    async def worker(record: Any, context: Any) -> None:
        if record["messageId"] == "a":
            raise asyncio.CancelledError

    assert reported(handle(samples.sqs("a", "b"), worker)) == ["a"]


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
def test_what_ends_the_process_is_no_records_failure(error: BaseException) -> None:
    def worker(record: Any, context: Any) -> None:
        raise error

    with pytest.raises(type(error)):
        handle(samples.sqs("a", "b"), worker)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"Records": [samples.sqs("a")["Records"][0], {}]}, r"Records\[1\]\.messageId"),
        ({"Records": [samples.sqs("a")["Records"][0], 7]}, r"Records\[1\]"),
        (samples.kinesis(""), r"Records\[0\]\.kinesis\.sequenceNumber"),
        (samples.dynamodb(""), r"Records\[0\]\.dynamodb\.SequenceNumber"),
    ],
)
def test_a_record_that_cannot_be_reported_fails_the_batch_before_any_call(
    event: Any, field: str
) -> None:
    worker = Worker()

    with pytest.raises(MalformedEvent, match=field):
        handle(event, worker)
    assert worker.seen == []


@pytest.mark.parametrize("final", [False, True])
@pytest.mark.parametrize("build", [samples.kinesis, samples.dynamodb])
def test_a_tumbling_window_wants_a_function_of_whole_batches(build: Any, final: bool) -> None:
    worker = Worker()
    event = samples.window(build("1", "2"), final=final)

    with pytest.raises(TumblingWindow, match='without each="record"'):
        handle(event, worker)
    assert worker.seen == []


@pytest.mark.parametrize(("final", "counted"), [(False, 3), (True, 1)])
@pytest.mark.parametrize("build", [samples.kinesis, samples.dynamodb])
def test_the_state_of_a_tumbling_window_goes_through_a_function_of_batches(
    build: Any, final: bool, counted: int
) -> None:
    handler = ASGIHandler(app, lifespan="off")

    @handler.on("kinesis", "dynamodb")
    def count(event: Any, context: Any) -> dict[str, Any]:
        return {"state": event["state"] | {"3": len(event["Records"]) + 1}}

    result = handler(samples.window(build("1", "2"), final=final), None)

    assert result == {"state": {"1": 282, "2": 715, "3": counted}}
    handler.stop_environment()
