"""Functions, settings and destinations that a test plays, for an engine that is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from warmstart.invoke import InvokeResult, InvokeStream
from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.destinations import NotDelivered
from warmstart.service.asynchronous.invocations import AsyncInvocations
from warmstart.service.asynchronous.message import Message

SCALE = 1e-4
"""A minute takes 6 ms."""


def arn(function: str, qualifier: str) -> str:
    return f"arn:aws:lambda:us-east-1:123456789012:function:{function}:{qualifier}"


@dataclass
class Call:
    function: str
    payload: bytes
    request_id: str
    options: dict[str, Any]


Handler = Callable[[Call], Awaitable[InvokeResult]]


@dataclass
class Functions:
    """An `Invoker` whose functions are coroutines, by name."""

    handlers: dict[str, Handler]
    calls: list[Call] = field(default_factory=list)

    async def invoke(
        self, function: str, payload: bytes, *, request_id: str | None = None, **options: Any
    ) -> InvokeResult:
        call = Call(function, payload, request_id or "", options)
        self.calls.append(call)
        return await self.handlers[function](call)

    def check(self, function: str, qualifier: str | None = None) -> None:
        assert function in self.handlers

    async def invoke_with_response_stream(self, *_: Any, **__: Any) -> InvokeStream:
        raise AssertionError("nobody reads an asynchronous answer")


async def succeed(call: Call) -> InvokeResult:
    return InvokeResult(call.request_id, b'{"ok":true}', executed_version="7")


async def fail(call: Call) -> InvokeResult:
    return InvokeResult(call.request_id, b'{"errorMessage":"no"}', "Unhandled")


def patient(**settings: Any) -> AsyncConfig:
    """A config whose events do not get too old while a slow machine tests."""
    return AsyncConfig(maximum_event_age_in_seconds=10_000_000, **settings)


@dataclass
class Settings:
    """A `Configuration` of one config for all functions but those named."""

    default: AsyncConfig = field(default_factory=patient)
    named: dict[str, AsyncConfig] = field(default_factory=dict)

    def async_config(self, function: str, qualifier: str) -> AsyncConfig:
        return self.named.get(function, self.default)


@dataclass
class Mailbox:
    """A `Sender` that keeps what it gets, after it has refused `failures` times."""

    failures: int = 0
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise NotDelivered("connection refused")
        self.messages.append(message)


@asynccontextmanager
async def running(
    directory: Path, functions: Any, config: Settings | None = None, sender: Any = None, **more: Any
) -> AsyncIterator[AsyncInvocations]:
    options = {"time_scale": SCALE} | more
    config, sender = config or Settings(), sender or Mailbox()
    async with AsyncInvocations(directory, functions, config, sender, arn, **options) as engine:
        yield engine


async def drained(engine: AsyncInvocations) -> None:
    """Wait until nothing waits and nothing is under way."""
    await until(lambda: not any(astuple(engine.statistics())))


async def until(condition: Callable[[], object]) -> None:
    """Wait for what happens in a thread, on the disk, or after a time that is scaled down."""
    while not condition():  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.001)


@asynccontextmanager
async def trace_headers() -> AsyncIterator[tuple[str, list[str]]]:
    """An endpoint that answers each request with 202, and the trace headers that it gets."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        for line in head.split("\r\n"):
            name, _, value = line.partition(": ")
            if name.lower() == "x-amzn-trace-id":
                seen.append(value)
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
