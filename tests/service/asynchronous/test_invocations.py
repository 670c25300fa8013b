from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.asynchronous.played import (
    Call,
    Functions,
    Mailbox,
    Settings,
    arn,
    drained,
    fail,
    patient,
    running,
    succeed,
    until,
)
from warmstart.invoke import (
    InvokeError,
    InvokeResult,
    RequestTooLarge,
    ResourceNotFound,
    ServiceFault,
    TooManyRequests,
)
from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.invocations import MAX_EVENT
from warmstart.service.asynchronous.recursion import RecursionGuard
from warmstart.service.state.errors import DirectoryInUse

QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
OTHER = "arn:aws:sqs:us-east-1:123456789012:other"


def after(count: int, error: Callable[[], Exception]) -> Functions:
    """A function that raises `count` times, and then succeeds."""

    async def handle(call: Call) -> InvokeResult:
        if len(functions.calls) <= count:
            raise error()
        return await succeed(call)

    functions = Functions({"f": handle})
    return functions


def throttled() -> Exception:
    return TooManyRequests("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")


async def test_an_event_reaches_its_function_as_it_was_sent(tmp_path: Path) -> None:
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        await engine.enqueue(
            "f",
            "live",
            b'{"a": 1}',
            request_id="r",
            trace_id="Root=1-2-3",
            client_context='{"b":2}',
            tenant_id="t",
        )
        await drained(engine)

    (call,) = functions.calls
    assert (call.payload, call.request_id) == (b'{"a": 1}', "r")
    assert call.options == {
        "qualifier": "live",
        "trace_id": "Root=1-2-3",
        "client_context": '{"b":2}',
        "tenant_id": "t",
    }


async def test_an_event_is_on_the_disk_when_its_caller_is_told(tmp_path: Path) -> None:
    async def hang(call: Call) -> InvokeResult:
        await asyncio.Event().wait()
        raise AssertionError

    async with running(tmp_path, Functions({"f": hang})) as engine:
        await engine.enqueue("f", None, b"1", request_id="r")

    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        await drained(engine)
    assert [(call.payload, call.request_id) for call in functions.calls] == [(b"1", "r")]


async def test_an_event_that_was_processed_is_not_delivered_again(tmp_path: Path) -> None:
    functions = Functions({"f": succeed})
    for _ in range(2):
        async with running(tmp_path, functions) as engine:
            await engine.enqueue("f", None, b"1")
            await drained(engine)

    assert len(functions.calls) == 2


async def test_a_failing_function_is_retried_with_the_same_request_id(tmp_path: Path) -> None:
    functions, mailbox = Functions({"f": fail}), Mailbox()
    config = Settings(patient(on_failure=QUEUE, dead_letter=OTHER))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await drained(engine)

    assert [call.request_id for call in functions.calls] == ["r", "r", "r"]
    assert {call.options["trace_id"] for call in functions.calls} == {
        functions.calls[0].options["trace_id"]
    }
    found = {message.target: message for message in mailbox.messages}
    assert '"condition": "RetriesExhausted", "approximateInvokeCount": 3' in found[QUEUE].body
    assert f'"functionArn": "{arn("f", "$LATEST")}"' in found[QUEUE].body
    assert found[OTHER].body == "[1]"
    assert found[OTHER].attributes["ErrorMessage"] == ["String", "no"]


async def test_attempts_are_counted_over_restarts(tmp_path: Path) -> None:
    functions, mailbox = Functions({"f": fail}), Mailbox()
    config = Settings(patient(on_failure=QUEUE))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
    while not mailbox.messages:
        async with running(tmp_path, functions, config, mailbox) as engine:
            await asyncio.sleep(0.004)
            if not any((engine.statistics().waiting, engine.statistics().under_way)):
                await drained(engine)

    assert '"approximateInvokeCount": 3' in mailbox.messages[0].body
    assert '"responsePayload":{"errorMessage":"no"}' in mailbox.messages[0].body


class NotReady(InvokeError):
    status = 409


@pytest.mark.parametrize(
    "error",
    [throttled, lambda: ServiceFault("x"), lambda: NotReady("pending"), lambda: OSError("bug")],
    ids=["throttled", "service error", "not ready", "a fault of ours"],
)
async def test_throttles_and_service_errors_are_repeated_until_they_end(
    tmp_path: Path, error: Callable[[], Exception]
) -> None:
    functions, mailbox = after(12, error), Mailbox()
    config = Settings(patient(on_success=QUEUE, maximum_retry_attempts=0))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]")
        await drained(engine)

    assert len(functions.calls) == 13
    (record,) = mailbox.messages
    assert '"approximateInvokeCount": 1' in record.body
    assert '"responseContext":{"statusCode": 200, "executedVersion": "7"}' in record.body
    assert '"responsePayload":{"ok":true}' in record.body


async def test_an_event_that_is_throttled_too_long_is_discarded(tmp_path: Path) -> None:
    functions, mailbox = after(10**9, throttled), Mailbox()
    config = Settings(AsyncConfig(on_failure=QUEUE, maximum_event_age_in_seconds=3000))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]")
        await drained(engine)

    assert '"condition": "EventAgeExceeded"' in mailbox.messages[0].body
    assert '"responseContext":{"statusCode": 429}' in mailbox.messages[0].body


async def test_a_function_that_is_gone_is_retried_and_said(tmp_path: Path) -> None:
    functions, mailbox = after(9, lambda: ResourceNotFound("Function not found: x")), Mailbox()
    config = Settings(patient(dead_letter=QUEUE))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await drained(engine)

    assert len(functions.calls) == 3
    assert mailbox.messages[0].attributes == {
        "RequestID": ["String", "r"],
        "ErrorCode": ["Number", "404"],
        "ErrorMessage": ["String", "Function not found: x"],
    }


async def test_without_concurrency_no_event_is_tried(tmp_path: Path) -> None:
    functions, mailbox = Functions({}), Mailbox()
    config = Settings(patient(on_failure=QUEUE, reserved_concurrency=0))
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]")
        await drained(engine)

    assert functions.calls == []
    assert '"condition": "ZeroReservedConcurrency"' in mailbox.messages[0].body


async def test_a_discarded_event_is_logged_where_nothing_else_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = Settings(patient(maximum_retry_attempts=0))
    async with running(tmp_path, Functions({"f": fail}), config) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await drained(engine)

    assert f"Discarded request r of {arn('f', '$LATEST')} after 1 attempts" in caplog.text
    assert "RetriesExhausted" in caplog.text


async def test_a_function_may_be_the_destination(tmp_path: Path) -> None:
    functions = Functions({"f": succeed, "g": succeed})
    target = "arn:aws:lambda:us-east-1:123456789012:function:g:live"
    config = Settings(named={"f": patient(on_success=target)})
    async with running(tmp_path, functions, config) as engine:
        await engine.enqueue("f", None, b"[1]", trace_id="Root=1-2-3")
        await drained(engine)

    first, second = functions.calls
    assert (second.function, second.options["qualifier"]) == ("g", "live")
    assert b'"requestPayload":[1]' in second.payload
    assert second.request_id != first.request_id
    assert second.options["trace_id"].startswith("Root=1-2-3;Lineage=")


async def test_a_function_that_is_its_own_destination_is_stopped(tmp_path: Path) -> None:
    functions, mailbox = Functions({"f": succeed}), Mailbox()
    target = "arn:aws:lambda:us-east-1:123456789012:function:f"
    config = Settings(patient(on_success=target, on_failure=QUEUE, dead_letter=OTHER))
    guard = RecursionGuard(functions, lambda name: False)
    async with running(tmp_path, guard, config, mailbox) as engine:
        await engine.enqueue("f", None, b"[1]")
        await drained(engine)

    assert len(functions.calls) == 16
    found = {message.target: message for message in mailbox.messages}
    assert '"condition": "RecursiveInvocation"' in found[QUEUE].body
    assert '"functionError": "RecursiveInvocationException"' in found[QUEUE].body
    assert found[OTHER].attributes["ErrorCode"] == ["Number", "400"]


async def test_a_busy_function_does_not_hold_up_another(tmp_path: Path) -> None:
    async def hang(call: Call) -> InvokeResult:
        await asyncio.Event().wait()
        raise AssertionError

    done = asyncio.Event()

    async def note(call: Call) -> InvokeResult:
        done.set()
        return await succeed(call)

    functions = Functions({"slow": hang, "quick": note})
    async with running(tmp_path, functions, concurrency=20) as engine:
        await asyncio.gather(*(engine.enqueue("slow", None, b"1") for _ in range(100)))
        await engine.enqueue("quick", None, b"1")
        await done.wait()
        assert engine.statistics().waiting >= 80


async def test_a_function_with_little_concurrency_gets_through_all(tmp_path: Path) -> None:
    busy, most = 0, 0

    async def handle(call: Call) -> InvokeResult:
        nonlocal busy, most
        if busy == 3:
            raise throttled()
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return await succeed(call)

    functions = Functions({"f": handle})
    async with running(tmp_path, functions) as engine:
        await asyncio.gather(*(engine.enqueue("f", None, b"%d" % n) for n in range(500)))
        await drained(engine)

    assert {int(call.payload) for call in functions.calls} == set(range(500))
    assert most == 3


async def test_a_caller_that_leaves_leaves_its_event_to_be_delivered(tmp_path: Path) -> None:
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        caller = asyncio.ensure_future(engine.enqueue("f", None, b"1"))
        await asyncio.sleep(0)
        caller.cancel()
        await until(lambda: functions.calls)
        await drained(engine)

    assert len(functions.calls) == 1


async def test_events_that_do_not_fit_into_memory_come_from_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warmstart.service.asynchronous.invocations._CACHE", 10)
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        await asyncio.gather(*(engine.enqueue("f", None, b"%06d" % n) for n in range(50)))
        await drained(engine)

    assert sorted(int(call.payload) for call in functions.calls) == list(range(50))


async def test_an_event_may_be_as_large_as_awss_and_no_larger(tmp_path: Path) -> None:
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        await engine.enqueue("f", None, b"1" * MAX_EVENT)
        with pytest.raises(RequestTooLarge, match="too large for the Event invocation type"):
            await engine.enqueue("f", None, b"1" * (MAX_EVENT + 1))
        await drained(engine)

    assert len(functions.calls) == 1


async def test_a_closed_queue_takes_no_events(tmp_path: Path) -> None:
    async with running(tmp_path, Functions({})) as engine:
        pass

    with pytest.raises(ServiceFault, match="closing"):
        await engine.enqueue("f", None, b"1")


async def test_two_processes_cannot_deliver_from_one_directory(tmp_path: Path) -> None:
    async with running(tmp_path, Functions({})):
        with pytest.raises(DirectoryInUse):
            async with running(tmp_path, Functions({})):
                pass


async def test_an_event_without_room_is_refused_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions) as engine:
        await engine._queue._commits.submit(  # what a disk's end looks like to SQLite
            lambda database: database.query("PRAGMA max_page_count = 40")
        )
        big = [engine.enqueue("f", None, b"1" * 900_000) for _ in range(3)]
        small = [engine.enqueue("f", None, b"2") for _ in range(20)]
        results = await asyncio.gather(*big, *small, return_exceptions=True)
        await drained(engine)

    assert all(isinstance(each, ServiceFault) and "no room" in each.message for each in results[:3])
    assert results[3:] == [None] * 20
    assert [call.payload for call in functions.calls] == [b"2"] * 20


async def test_what_an_attempt_came_to_is_kept_once_there_is_room_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = "PRAGMA max_page_count = {}"
    attempts = 0

    async def fill_and_answer(call: Call) -> InvokeResult:
        nonlocal attempts
        attempts += 1
        await engine._queue._commits.submit(lambda base: base.query(pages.format(1)))
        return InvokeResult(call.request_id, b"1" * 500_000)

    mailbox = Mailbox()
    config = Settings(patient(on_success=QUEUE))
    functions = Functions({"f": fill_and_answer})
    async with running(tmp_path, functions, config, mailbox) as engine:
        await engine.enqueue("f", None, b"1")
        await until(lambda: "no room" in caplog.text)
        await engine._queue._commits.submit(lambda base: base.query(pages.format(10**6)))
        await drained(engine)

    assert attempts == 1
    assert len(mailbox.messages) == 1


def killed(tmp_path: Path, count: int, most: int, last: str) -> set[int]:
    """Kill a process that enqueues; the numbers of the events that it acknowledged."""
    command = [sys.executable, "-m", "tests.service.asynchronous.victim", "enqueue"]
    command += [str(tmp_path), str(tmp_path / "log"), str(count), str(most)]
    acknowledged = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        for line in victim.stdout:
            if line == last:
                victim.kill()
            if line.strip().isdigit() and line.endswith("\n"):
                acknowledged.add(int(line))
    assert victim.returncode == -signal.SIGKILL
    return acknowledged


def delivered(tmp_path: Path) -> list[int]:
    return [int(line) for line in (tmp_path / "log").read_text().splitlines()]


@pytest.mark.parametrize(
    ("count", "most", "last"),
    [(10_000, 500, "all\n"), (10_000, 10**9, "4000\n")],
    ids=["while all wait", "while they are delivered"],
)
def test_a_kill_loses_no_event(tmp_path: Path, count: int, most: int, last: str) -> None:
    acknowledged = killed(tmp_path, count, most, last)
    before = len(delivered(tmp_path))

    command = [sys.executable, "-m", "tests.service.asynchronous.victim", "drain"]
    subprocess.run([*command, str(tmp_path), str(tmp_path / "log")], check=True, timeout=50)

    found = delivered(tmp_path)
    assert acknowledged <= set(found)
    assert len(acknowledged) >= (count if last == "all\n" else 3000)
    # What was forgotten before the kill is not delivered again.
    assert len(found) - before <= count
    assert len(found) <= count + 1000
