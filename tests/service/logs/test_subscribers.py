"""What reaches a listener, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from warmstart.service.clock import Clock
from warmstart.service.environments.environment import Refusal
from warmstart.service.function import Function
from warmstart.service.logs.subscribers import Subscribers
from warmstart.service.logs.subscription import API, LOGS, TELEMETRY, Subscription
from warmstart.service.telemetry import (
    Event,
    ExtensionInit,
    ExtensionOutput,
    InitStart,
    Output,
    PlatformFault,
    Report,
    RuntimeDone,
    Source,
    Start,
)

TIME = 1665511200.0  # 2022-10-11T18:00:00Z
STAMP = "2022-10-11T18:00:00.000Z"
FUNCTION = Function(name="f", handler="app.handler", task_root="/var/task")
JSON_LOGS = replace(FUNCTION, log_format="JSON")


def where(function: Function = FUNCTION) -> tuple[float, Source]:
    return TIME, Source(function, "e", "stream")


def start(request_id: str = "id") -> Event:
    return Start(*where(), request_id, "$LATEST")


class Listener:
    """An HTTP server of an extension. `answer` is its status; `batches` what it has got."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue[Any] = asyncio.Queue()
        self.heads: list[bytes] = []
        self.statuses = [200]
        self.held = asyncio.Event()
        self.held.set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        await self.held.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 200:
            self.heads.append(head)
            self.batches.put_nowait(json.loads(body))
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()


@asynccontextmanager
async def initializing() -> AsyncIterator[Subscribers]:
    subscribers = Subscribers(Clock())
    subscribers.begin()
    try:
        yield subscribers
    finally:
        await subscribers.aclose()


def wanting(port: int, *types: str, api: API = TELEMETRY, **changes: Any) -> Subscription:
    facts: dict[str, Any] = {
        "version": api.versions[-1],
        "max_items": 1000,
        "max_bytes": 262_144,
        "timeout": 0.0,
        "port": port,
        "method": "POST",
        "path": "/",
    }
    return Subscription(api=api, types=types or ("platform",), **(facts | changes))


async def collected(listener: Listener, count: int) -> list[Any]:
    records: list[Any] = []
    while len(records) < count:
        records += await listener.batches.get()
    return records


async def test_what_happened_since_init_began_is_sent_as_a_json_array() -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.observe(InitStart(*where(), "on-demand", "python3.13"))
        subscribers.subscribe("e", wanting(listener.port, path="/logs?a=b"))
        subscribers.observe(start())
        records = await collected(listener, 2)

    assert [each["type"] for each in records] == ["platform.initStart", "platform.start"]
    assert records[1] == {
        "time": STAMP,
        "type": "platform.start",
        "record": {"requestId": "id", "version": "$LATEST"},
    }
    head = listener.heads[0].decode()
    assert head.startswith("POST /logs?a=b HTTP/1.1\r\n")
    assert f"Host: sandbox.localdomain:{listener.port}\r\n" in head
    assert "Content-Type: application/json\r\n" in head


async def test_only_what_was_asked_for_is_sent() -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.subscribe("e", wanting(listener.port, "function", "extension"))
        subscribers.observe(start())
        subscribers.observe(Output(*where(), "id", "of the function"))
        subscribers.observe(ExtensionOutput(*where(), "other", "of an extension"))
        records = await collected(listener, 2)

    assert [(each["type"], each["record"]) for each in records] == [
        ("function", "of the function"),
        ("extension", "of an extension"),
    ]


@pytest.mark.parametrize(
    ("version", "function", "record"),
    [
        ("2022-07-01", JSON_LOGS, '{"a": 1}'),
        ("2022-12-13", JSON_LOGS, {"a": 1}),
        ("2025-01-29", JSON_LOGS, {"a": 1}),
        ("2022-12-13", FUNCTION, '{"a": 1}'),
    ],
)
async def test_a_line_that_is_json_is_an_object_in_later_schemas_of_functions_that_log_json(
    version: str, function: Function, record: object
) -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.subscribe("e", wanting(listener.port, "function", version=version))
        subscribers.observe(Output(*where(function), None, '{"a": 1}'))
        records = await collected(listener, 1)

    assert records[0]["record"] == record


async def test_a_batch_that_is_not_taken_is_sent_again() -> None:
    async with listening() as listener, initializing() as subscribers:
        listener.statuses = [500, 429, 200]
        subscribers.subscribe("e", wanting(listener.port))
        subscribers.observe(start("one"))
        records = await collected(listener, 1)

    assert records[0]["record"]["requestId"] == "one"


async def test_a_listener_may_come_late() -> None:
    async with listening() as listener:
        port = listener.port
    async with initializing() as subscribers:
        subscribers.subscribe("e", wanting(port))
        subscribers.observe(start())
        await asyncio.sleep(0)
        late = Listener()
        server = await asyncio.start_server(late.serve, "127.0.0.1", port)
        assert len(await collected(late, 1)) == 1
        server.close()


async def test_a_slow_listener_is_told_what_was_dropped() -> None:
    async with listening() as listener, initializing() as subscribers:
        listener.held.clear()
        subscribers.subscribe("e", wanting(listener.port, max_items=1000))
        for number in range(10_000):
            subscribers.observe(start(str(number)))
            if number == 0:
                await asyncio.sleep(0.01)
        listener.held.set()
        records = await collected(listener, 2001)

    dropped = [each["record"] for each in records if each["type"] == "platform.logsDropped"]
    assert sum(each["droppedRecords"] for each in dropped) > 0
    assert set(dropped[0]) == {"reason", "droppedRecords", "droppedBytes"}
    size = len(json.dumps(records[0], separators=(",", ":")))
    assert dropped[0]["droppedBytes"] >= dropped[0]["droppedRecords"] * size


async def test_nothing_is_sent_while_the_environment_is_frozen() -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.subscribe("e", wanting(listener.port))
        subscribers.pause()
        subscribers.observe(start())
        for _ in range(20):
            await asyncio.sleep(0)
        assert listener.batches.empty()
        subscribers.resume()
        assert len(await collected(listener, 1)) == 1


async def test_what_an_extension_says_of_a_batch_brings_about_no_other_one() -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.subscribe("e", wanting(listener.port, "platform", "extension"))
        subscribers.observe(start("one"))
        assert len(await collected(listener, 1)) == 1
        subscribers.observe(ExtensionOutput(*where(), "e", "got a batch"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert listener.batches.empty()
        subscribers.observe(start("two"))
        records = await collected(listener, 2)

    assert [each["type"] for each in records] == ["extension", "platform.start"]


async def test_tcp_gets_a_line_for_each_record() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            lines.put_nowait(line)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with initializing() as subscribers:
        subscribers.subscribe("e", wanting(port, path=None))
        subscribers.observe(start("one"))
        subscribers.observe(start("two"))
        found = [json.loads(await lines.get())["record"]["requestId"] for _ in range(2)]
    server.close()
    await asyncio.sleep(0)

    assert found == ["one", "two"]


async def test_the_same_subscription_is_made_once() -> None:
    async with listening() as listener, initializing() as subscribers:
        wanted = wanting(listener.port)
        assert subscribers.subscribe("e", wanted)
        assert not subscribers.subscribe("e", wanted)
        subscribers.observe(start("one"))
        assert len(await collected(listener, 1)) == 1
        assert listener.batches.empty()


async def test_nobody_subscribes_after_init_nor_to_both_apis() -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.subscribe("e", wanting(listener.port))
        with pytest.raises(Refusal) as both:
            subscribers.subscribe("e", wanting(listener.port, api=LOGS))
        subscribers.close()
        closed = []
        for api in (TELEMETRY, LOGS):
            with pytest.raises(Refusal) as caught:
                subscribers.subscribe("other", wanting(listener.port, api=api))
            closed.append((caught.value.status, caught.value.error_type))

    assert "already subscribed to the TelemetryAPI" in both.value.message
    assert closed == [(403, "Telemetry.SubscriptionClosed"), (403, "Logs.SubscriptionClosed")]


async def test_without_subscribers_nothing_is_kept_after_init() -> None:
    subscribers = Subscribers(Clock())
    subscribers.begin()
    assert subscribers.active
    subscribers.close()

    assert not subscribers.active


@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        (
            "2020-08-15",
            ["platform.start", "platform.fault", "platform.end", "platform.report"],
        ),
        (
            "2021-03-18",
            [
                "platform.start",
                "platform.fault",
                "platform.runtimeDone",
                "platform.end",
                "platform.report",
            ],
        ),
    ],
)
async def test_the_logs_api_has_words_of_its_own(version: str, kinds: list[str]) -> None:
    async with listening() as listener, initializing() as subscribers:
        subscribers.observe(InitStart(*where(), "on-demand", "python3.13"))
        subscribers.subscribe("e", wanting(listener.port, api=LOGS, version=version))
        subscribers.observe(start())
        subscribers.observe(
            PlatformFault(*where(), "id", "timeout", "Sandbox.Timedout", "Task timed out")
        )
        subscribers.observe(RuntimeDone(*where(), "id", "timeout", None, 1.0, None, None))
        subscribers.observe(Report(*where(), "id", "timeout", None, 15.741, 100, 128, 62, 226.304))
        subscribers.observe(ExtensionInit(*where(), "e", "Ready", ("INVOKE",), None))
        records = await collected(listener, len(kinds) + 1)

    assert [each["type"] for each in records] == [*kinds, "platform.extension"]
    by_kind = {each["type"]: each["record"] for each in records}
    # https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
    assert by_kind["platform.start"] == {"requestId": "id", "version": "$LATEST"}
    assert by_kind["platform.end"] == {"requestId": "id"}
    assert by_kind["platform.report"] == {
        "requestId": "id",
        "metrics": {
            "durationMs": 15.74,
            "billedDurationMs": 100,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 62,
            "initDurationMs": 226.3,
        },
    }
    assert by_kind["platform.extension"] == {"name": "e", "state": "Ready", "events": ["INVOKE"]}
