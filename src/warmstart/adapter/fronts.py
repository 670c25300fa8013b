"""The ways a response leaves: whole, or piece by piece, and at once, or when the app has ended."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from warmstart.adapter.exchange import Exchange
from warmstart.events import prelude
from warmstart.events.errors import ResponseTooLarge
from warmstart.events.http import Headers, HTTPResponse

__all__ = ["BufferedFront", "Front", "HoldingFront", "StreamingFront"]

logger = logging.getLogger("warmstart")

# The statuses whose responses have no body (RFC 9110, sections 15.3.5 and 15.4.5).
_BODILESS = frozenset({204, 304})


class Front(Protocol):
    """Where a response goes. A streaming front may raise `OSError`: its reader has gone."""

    @property
    def committed(self) -> bool:
        """Whether bytes have left, so that another answer is no longer possible."""
        ...

    def start(self, status: int, headers: Headers) -> None: ...

    async def body(self, data: bytes, more: bool) -> None: ...

    def watch(self) -> Awaitable[None] | None:
        """What ends when the reader of a response under way has gone, if that can be known."""
        ...


class BufferedFront:
    """Collects the response and answers when it is complete.

    `build` turns it into the object that the front door wants.
    """

    __slots__ = ("_build", "_chunks", "_exchange", "_omit_body", "_response")

    committed = False

    def __init__(
        self,
        exchange: Exchange,
        build: Callable[[HTTPResponse], Any],
        *,
        omit_body: bool,
    ) -> None:
        self._exchange = exchange
        self._build = build
        self._omit_body = omit_body
        self._chunks: list[bytes] = []

    def start(self, status: int, headers: Headers) -> None:
        self._response = HTTPResponse(status, headers)

    async def body(self, data: bytes, more: bool) -> None:
        chunks = self._chunks
        if more:
            chunks.append(data)
            return
        response = self._response
        if not (self._omit_body or response.status in _BODILESS):
            if chunks:
                chunks.append(data)
                data = b"".join(chunks)
            response.body = bytes(data)  # Starlette, for one, sends memory views, too
        problem = await self._respond(response)
        if problem:
            logger.error(problem)
            await self._respond(_refusal(problem))

    async def _respond(self, response: HTTPResponse) -> str:
        """Answer; or say what is wrong, if the response is too large for somebody on its way."""
        try:
            fits = await self._exchange.respond(self._build(response))
        except ResponseTooLarge as error:
            return str(error)
        return "" if fits else _too_large_for_lambda(len(response.body))

    def watch(self) -> Awaitable[None] | None:
        return None  # AWS finishes a buffered invocation whether or not its client waits


class StreamingFront:
    """Sends each piece as the app sends it: the prelude with the first piece, then the rest."""

    __slots__ = ("_exchange", "_omit_body", "_prelude", "committed")

    def __init__(self, exchange: Exchange, *, omit_body: bool) -> None:
        self._exchange = exchange
        self._omit_body = omit_body
        self._prelude = b""
        self.committed = False

    def start(self, status: int, headers: Headers) -> None:
        self._omit_body = self._omit_body or status in _BODILESS
        self._prelude = prelude.build(HTTPResponse(status, headers))

    async def body(self, data: bytes, more: bool) -> None:
        if self._omit_body:
            data = b""
        if not self.committed:
            # Even an empty first piece carries the prelude: an app that sends
            # one wants its headers to go out.
            self.committed = True
            first = self._prelude + bytes(data)
            await self._exchange.start_stream(prelude.CONTENT_TYPE, first, final=not more)
            return
        if data:
            await self._exchange.write(data)
        if not more:
            await self._exchange.finish()

    def watch(self) -> Awaitable[None] | None:
        return self._exchange.wait_disconnect() if self.committed else None


class HoldingFront:
    """Keeps an answer of 500 or more until it is released, and passes any other on at once.

    Starlette, for one, answers an exception with a complete 500 and then raises
    it again. Where exceptions fail the invocation that answer must not have left.
    """

    __slots__ = ("_front", "_headers", "_pieces", "_status", "holds")

    def __init__(self, front: Front) -> None:
        self._front = front
        self._pieces: list[bytes] = []
        self.holds = False

    @property
    def committed(self) -> bool:
        return self._front.committed

    def start(self, status: int, headers: Headers) -> None:
        if status < 500:
            self._front.start(status, headers)
        else:
            self._status, self._headers = status, headers
            self.holds = True

    async def body(self, data: bytes, more: bool) -> None:
        if self.holds:
            self._pieces.append(data)
        else:
            await self._front.body(data, more)

    async def release(self) -> None:
        """Let the complete answer leave, if one is held."""
        if self.holds:
            self.holds = False
            self._front.start(self._status, self._headers)
            await self._front.body(b"".join(self._pieces), False)

    def watch(self) -> Awaitable[None] | None:
        return self._front.watch()


def _too_large_for_lambda(size: int) -> str:
    return (
        f"The response is too large: its body has {size} bytes, and Lambda carries 6 MB of JSON, "
        "base64 included. Send less, hand out a link to it, or stream it: a Function URL and a "
        "REST API take streamed responses."
    )


def _refusal(problem: str) -> HTTPResponse:
    """What the client gets instead of a response that nobody would carry."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    return HTTPResponse(500, headers, f"{problem}\n".encode())
