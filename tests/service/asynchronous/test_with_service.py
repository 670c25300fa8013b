"""The engine before a real service, whose functions are real processes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.service.asynchronous.played import Mailbox, Settings, drained, patient, running
from tests.service.real import function, serving
from warmstart.service.asynchronous.recursion import RecursionGuard

RECORDS = "arn:aws:sqs:us-east-1:123456789012:records"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"


async def test_a_function_that_exits_is_retried_and_leaves_a_dead_letter(tmp_path: Path) -> None:
    mailbox = Mailbox()
    config = Settings(patient(dead_letter=DEAD))
    async with (
        serving(function("leave")) as (service, _),
        running(tmp_path, RecursionGuard(service, lambda _: False), config, mailbox) as engine,
    ):
        await engine.enqueue("f", None, b"3", request_id="7c5a5e8c-0000-4000-8000-000000000001")
        await drained(engine)

    (letter,) = mailbox.messages
    assert letter.body == "3"
    # The text is that of AWS's runtime interface emulator.
    assert letter.attributes["ErrorMessage"] == [
        "String",
        "RequestId: 7c5a5e8c-0000-4000-8000-000000000001"
        " Error: Runtime exited with error: exit status 3",
    ]


async def test_many_events_get_through_few_environments(tmp_path: Path) -> None:
    mailbox = Mailbox()
    config = Settings(patient(on_success=RECORDS))
    async with (
        serving(function("echo")) as (service, _),
        running(tmp_path, service, config, mailbox) as engine,
    ):
        service.set_reserved_concurrency("f", 2)
        await asyncio.gather(*(engine.enqueue("f", None, b"%d" % n) for n in range(300)))
        await drained(engine)

    records = [json.loads(message.body) for message in mailbox.messages]
    assert sorted(record["responsePayload"] for record in records) == list(range(300))
    assert all(record["responsePayload"] == record["requestPayload"] for record in records)
