"""The end of an invocation's log, for callers who ask for it (`LogType: Tail`).

AWS gives the last 4 KB of what START to REPORT left in the log. The REPORT is
written when the runtime is done, which is after the answer: whoever wants the
tail waits for it.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#lambda-Invoke-request-LogType
"""

from __future__ import annotations

import asyncio

from warmstart.service.logs.writer import message
from warmstart.service.telemetry import Event, Output, PlatformFault, Report, RuntimeDone, Start

__all__ = ["MAX_TAIL", "Tail", "Tails"]

MAX_TAIL = 4096
"""Bytes."""

_PARTS = (Start, Output, PlatformFault, RuntimeDone, Report)


class Tail:
    """The end of one invocation's log, as it grows."""

    def __init__(self, request_id: str, tails: Tails) -> None:
        self.request_id = request_id
        self._tails = tails
        self._data = b""
        self._started = False
        self._complete = asyncio.Event()

    def take(self, event: Start | Output | PlatformFault | RuntimeDone | Report) -> None:
        """An event of the invocation. Its REPORT is the last."""
        self._started = True
        text = message(event)
        if text is not None:
            self._data = (self._data + f"{text}\n".encode())[-MAX_TAIL:]
        if isinstance(event, Report):
            self._complete.set()

    async def whole(self) -> bytes:
        """The log's end once the invocation is over; to be asked for after its answer.

        An invocation that was answered without having started has no log.
        """
        if self._started:
            await self._complete.wait()
        return self._data

    def close(self) -> None:
        """Nobody wants it any more."""
        self._tails.close(self)


class Tails:
    """The tails that somebody waits for. `observe` must see every event."""

    def __init__(self) -> None:
        # Two invocations may bear the same id, which their callers choose.
        self._open: dict[str, list[Tail]] = {}

    def open(self, request_id: str) -> Tail:
        """Begin to collect the log of an invocation which is about to be made."""
        tail = Tail(request_id, self)
        self._open.setdefault(request_id, []).append(tail)
        return tail

    def close(self, tail: Tail) -> None:
        """Stop collecting. To close twice does no harm."""
        tails = self._open.get(tail.request_id, [])
        if tail in tails:
            tails.remove(tail)
        if not tails:
            self._open.pop(tail.request_id, None)

    def observe(self, event: Event) -> None:
        """Add the event to the tails it belongs to."""
        if self._open and isinstance(event, _PARTS):
            for tail in self._open.get(event.request_id or "", ()):
                tail.take(event)
