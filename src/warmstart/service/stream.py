"""Where a streamed response goes: on to the caller piece by piece, or into one buffer.

A `ResponseStream` joins a writer (the Runtime API, as the runtime posts) and a
reader (the gateway). It holds no more than `HIGH_WATER` bytes: above that the
writer waits, stops reading its socket, and so slows down the app. When the
reader goes away the writer is told at once, not at its next write, so that the
app learns that its client has gone while it waits for something else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from warmstart.invoke import MAX_PAYLOAD, StreamBroken
from warmstart.service.logs.tail import Tail

__all__ = ["HIGH_WATER", "Collector", "ReaderGone", "ResponseStream", "Sink", "TooLarge"]

HIGH_WATER = 65536


class ReaderGone(Exception):
    """Nobody reads the response any more."""


class TooLarge(Exception):
    """A response that has to be held as a whole grew beyond `MAX_PAYLOAD`."""


class Sink(Protocol):
    """What the Runtime API writes a streamed response to."""

    def on_reader_gone(self, callback: Callable[[], None]) -> None:
        """Call back when the reader leaves before the end; at once if it has left."""
        ...

    async def write(self, data: bytes) -> None:
        """Pass bytes on; waits while the reader is slow. Raises `ReaderGone` or `TooLarge`."""
        ...

    def end(self) -> None:
        """The response is complete."""
        ...

    def fail(self, error_type: str, payload: bytes) -> None:
        """The response ends here, broken."""
        ...


class ResponseStream:
    """A response on its way to a caller who reads it as it comes: the service's `InvokeStream`."""

    def __init__(
        self,
        request_id: str,
        content_type: str,
        *,
        streamed: bool = True,
        function_error: str | None = None,
        executed_version: str,
    ) -> None:
        self.request_id = request_id
        self.content_type = content_type
        self.streamed = streamed
        self.function_error = function_error
        self.executed_version = executed_version
        self.log_tail: bytes | None = None
        self._tail: Tail | None = None
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._broken: StreamBroken | None = None
        self._closed = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._gone: Callable[[], None] | None = None

    @classmethod
    def whole(
        cls,
        request_id: str,
        content_type: str,
        payload: bytes,
        function_error: str | None,
        executed_version: str,
    ) -> ResponseStream:
        """A response that came in one piece, from a runtime that does not stream."""
        stream = cls(
            request_id,
            content_type,
            streamed=False,
            function_error=function_error,
            executed_version=executed_version,
        )
        stream._chunks.append(payload)
        stream._ended = True
        return stream

    # The writer's side.

    def on_reader_gone(self, callback: Callable[[], None]) -> None:
        if self._closed:
            callback()
        else:
            self._gone = callback

    async def write(self, data: bytes) -> None:
        if self._closed or self._ended:
            raise ReaderGone
        self._chunks.append(data)
        self._size += len(data)
        _wake(self._reader)
        while self._size > HIGH_WATER and not self._ended:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer
            if self._closed:
                raise ReaderGone

    def end(self) -> None:
        self._ended = True
        self._gone = None
        _wake(self._reader)
        _wake(self._writer)

    def fail(self, error_type: str, payload: bytes) -> None:
        if not self._ended:
            self._broken = StreamBroken(error_type, payload)
            self.end()

    # The reader's side.

    def add_tail(self, tail: Tail) -> None:
        """Let the stream end only with the invocation's log, whose end it then has."""
        self._tail = tail

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                data = self._chunks.popleft()
                self._size -= len(data)
                if self._size <= HIGH_WATER:
                    _wake(self._writer)
                yield data
            if self._ended or self._closed:
                break
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        if self._tail is not None and not self._closed:
            self.log_tail = await self._tail.whole()
            self._tail.close()
        if self._broken is not None:
            raise self._broken

    async def aclose(self) -> None:
        """Stop reading. A response that is not complete is cut off at the runtime."""
        self.close()

    def close(self) -> None:
        """The same, without waiting."""
        if self._closed:
            return
        self._closed = True
        if self._tail is not None:
            self._tail.close()
        self._chunks.clear()
        self._size = 0
        gone, self._gone = self._gone, None
        _wake(self._reader)
        _wake(self._writer)
        if gone is not None:
            gone()


class Collector:
    """A streamed response to a caller who wants it whole: prelude, NULs and body as they are."""

    def __init__(self, done: Callable[[bytes], None], failed: Callable[[str, bytes], None]) -> None:
        self._body = bytearray()
        self._done = done
        self._failed = failed

    def on_reader_gone(self, callback: Callable[[], None]) -> None:
        """A caller who leaves a buffered invocation does not stop it."""

    async def write(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_PAYLOAD:
            raise TooLarge

    def end(self) -> None:
        self._done(bytes(self._body))

    def fail(self, error_type: str, payload: bytes) -> None:
        self._failed(error_type, payload)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
