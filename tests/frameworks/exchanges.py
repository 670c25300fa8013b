"""A runtime's side of an invocation, and what was so when its answer left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from warmstart.events.http import HTTPResponse
from warmstart.events.prelude import CONTENT_TYPE, PreludeParser

__all__ = ["RecordingExchange"]


class RecordingExchange:
    """Takes a whole answer, or, if `streaming`, one that comes in pieces.

    `observe` is asked at each piece that leaves; `observed` keeps what it said.
    """

    def __init__(self, observe: Callable[[], Any] = lambda: None, *, streaming: bool) -> None:
        self.streaming = streaming
        self.results: list[Any] = []
        self.pieces: list[bytes] = []
        self.observed: list[Any] = []
        self.finished = False
        self.error: BaseException | None = None
        self._observe = observe

    async def respond(self, result: Any) -> bool:
        assert not self.pieces
        self.results.append(result)
        self.observed.append(self._observe())
        self.finished = True
        return True

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        assert self.streaming
        assert not self.pieces
        assert content_type == CONTENT_TYPE
        await self.write(first)
        self.finished = final

    async def write(self, data: bytes) -> None:
        assert not self.finished
        self.pieces.append(data)
        self.observed.append(self._observe())

    async def finish(self) -> None:
        assert not self.finished
        self.finished = True

    async def fail(self, error: BaseException) -> None:
        self.error = error

    async def wait_disconnect(self) -> None:
        await asyncio.get_running_loop().create_future()  # this reader stays

    def streamed_response(self) -> HTTPResponse:
        """What the front door makes of the pieces."""
        assert self.finished
        assert self.error is None
        response = PreludeParser().feed(b"".join(self.pieces))
        assert response is not None
        return response
