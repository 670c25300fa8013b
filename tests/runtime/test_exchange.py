"""The moments that no peer can be made to hit: the reader leaves between one look and the next."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from warmstart.runtime.calls import Calls, Invocation
from warmstart.runtime.client import RuntimeClient
from warmstart.runtime.concurrent_exchange import ConcurrentExchange
from warmstart.runtime.connection import Response
from warmstart.runtime.exchange import BlockingExchange, ReaderGone
from warmstart.runtime.logs import LogOutput
from warmstart.runtime.marshaller import JSONMarshaller
from warmstart.runtime.reports import Reporter

INVOCATION = Invocation(Response(200, {"lambda-runtime-aws-request-id": "id-1"}))


class LeavingReader:
    """A connection that is well until something is sent on it."""

    served = False
    is_open = True
    closed = False
    looks = 0

    def connect(self) -> None: ...

    def has_input(self, milliseconds: int = 0) -> bool:
        return self.closed

    def send(self, data: bytes) -> None:
        if data.endswith(b"first\r\n"):
            return
        raise ConnectionResetError("gone")

    def send_nowait(self, data: memoryview) -> int:
        raise ConnectionResetError("gone")

    def close(self) -> None:
        self.closed = True


def blocking() -> tuple[BlockingExchange, LeavingReader]:
    client = RuntimeClient("127.0.0.1:1")
    connection: Any = LeavingReader()
    client.connection = connection
    reporter = Reporter(client.calls, LogOutput({}))
    exchange = BlockingExchange(
        client, reporter, INVOCATION, marshaller=JSONMarshaller(), streaming=True
    )
    exchange.start_stream_now("text/plain", b"first")
    return exchange, connection


def test_an_error_that_cannot_be_sent_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    exchange, connection = blocking()
    exchange.fail_now(ValueError("half way"))
    assert connection.closed
    logged = capsys.readouterr().out
    assert "[ERROR] ValueError: half way" in logged
    assert "The error could not be posted: The reader of the response has gone." in logged


async def test_a_failed_write_means_that_the_reader_has_gone() -> None:
    exchange, connection = blocking()
    with pytest.raises(ReaderGone):
        await exchange.write(b"more")
    assert connection.closed


def test_finishing_for_nobody_does_nothing() -> None:
    exchange, connection = blocking()
    connection.closed = True
    exchange.finish_now()
    exchange.finish_now()


class LeavingAsyncReader:
    """The same on an event loop."""

    closed = False

    async def refresh(self) -> None: ...

    async def send(self, data: bytes) -> None:
        if not data.endswith(b"first\r\n"):
            raise ConnectionResetError("gone")

    async def read_response(self) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    def close(self) -> None:
        self.closed = True


async def concurrent() -> tuple[ConcurrentExchange, LeavingAsyncReader]:
    connection: Any = LeavingAsyncReader()
    calls = Calls("127.0.0.1:1")
    reporter = Reporter(calls, LogOutput({}))
    exchange = ConcurrentExchange(connection, calls, reporter, INVOCATION, streaming=True)
    await exchange.start_stream("text/plain", b"first")
    return exchange, connection


async def test_an_error_that_cannot_be_sent_on_a_loop_is_logged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exchange, connection = await concurrent()
    await exchange.fail(ValueError("half way"))
    assert connection.closed
    assert "The error could not be posted" in capsys.readouterr().out


async def test_a_failed_write_on_a_loop_means_that_the_reader_has_gone() -> None:
    exchange, connection = await concurrent()
    with pytest.raises(ReaderGone):
        await exchange.write(b"more")
    assert connection.closed
    await exchange.finish()


def test_frames_are_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that is nearly full takes a frame in parts."""
    reader, writer = os.pipe()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    try:
        LogOutput({"_LAMBDA_TELEMETRY_LOG_FD": str(writer)}).write("text")
        assert os.read(reader, 100)[16:] == b"text"
    finally:
        os.close(reader)
        os.close(writer)
