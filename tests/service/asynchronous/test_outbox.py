from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.service.asynchronous.played import (
    Functions,
    Mailbox,
    Settings,
    drained,
    fail,
    patient,
    running,
    succeed,
    until,
)
from warmstart.service.asynchronous.message import Message

QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"


def config() -> Settings:
    return Settings(patient(on_success=QUEUE, on_failure=QUEUE, maximum_retry_attempts=0))


async def test_a_destination_that_cannot_be_reached_gets_the_record_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox(failures=4)
    async with running(tmp_path, Functions({"f": succeed}), config(), mailbox) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await drained(engine)

    assert [message.request_id for message in mailbox.messages] == ["r"]
    assert len(caplog.records) == 4
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "Could not deliver the invocation record of request r" in caplog.text
    assert f"for {QUEUE}, will try again: connection refused" in caplog.text


async def test_a_record_survives_a_restart_and_its_event_is_not_delivered_again(
    tmp_path: Path,
) -> None:
    functions, mailbox = Functions({"f": fail}), Mailbox(failures=10**9)
    async with running(tmp_path, functions, config(), mailbox) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await until(lambda: mailbox.failures < 10**9 - 2)

    mailbox.failures = 0
    async with running(tmp_path, functions, config(), mailbox) as engine:
        await drained(engine)

    assert len(functions.calls) == 1
    (record,) = mailbox.messages
    assert record.failures >= 1
    assert '"condition": "RetriesExhausted"' in record.body


async def test_a_record_that_never_arrives_is_lost_with_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox = Mailbox(failures=10**9)
    functions = Functions({"f": succeed})
    async with running(tmp_path, functions, config(), mailbox, time_scale=1e-5) as engine:
        await engine.enqueue("f", None, b"[1]", request_id="r")
        await drained(engine)
    async with running(tmp_path, functions, config(), Mailbox()) as engine:
        assert engine.statistics().messages == 0

    last = caplog.records[-1]
    assert last.levelno == logging.ERROR
    assert "Lost the invocation record of request r" in last.getMessage()
    assert "connection refused" in last.getMessage()


async def test_a_fault_of_the_senders_own_is_logged_and_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty(Mailbox):
        def send(self, message: Message) -> None:
            if self.failures:
                self.failures -= 1
                raise ZeroDivisionError
            super().send(message)

    mailbox = Faulty(failures=1)
    async with running(tmp_path, Functions({"f": succeed}), config(), mailbox) as engine:
        await engine.enqueue("f", None, b"[1]")
        await drained(engine)

    assert len(mailbox.messages) == 1
    assert any(record.exc_info for record in caplog.records)


async def test_a_function_as_destination_that_takes_no_event_so_large_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = "arn:aws:lambda:us-east-1:123456789012:function:g"
    settings = Settings(patient(on_success=target))
    async with running(tmp_path, Functions({"f": succeed}), settings) as engine:
        await engine.enqueue("f", None, b'"' + b"x" * 1_048_500 + b'"')
        await until(lambda: "too large for the Event invocation type" in caplog.text)


@pytest.mark.parametrize("resource", ["layer:g", "function", "function:"])
async def test_what_is_no_function_is_no_destination_for_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, resource: str
) -> None:
    target = f"arn:aws:lambda:us-east-1:123456789012:{resource}"
    settings = Settings(patient(on_success=target))
    async with running(tmp_path, Functions({"f": succeed}), settings) as engine:
        await engine.enqueue("f", None, b"1")
        await until(lambda: f"{target} is not a function" in caplog.text)
