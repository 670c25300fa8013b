"""One HTTP request through an ASGI app.

    REQUEST ── response.start ──▶ STARTED ── body, more_body=False ──▶ COMPLETE

`HTTPCycle` is the `receive` and `send` of one request. It holds the messages
to ASGI's order and passes the response to a `Front`, which either
collects it and answers at once when it is complete, or streams it as it comes.
Once the response is complete, or its reader has gone, `receive` gives
`http.disconnect`; what the app then still does is its background work.
"""

from __future__ import annotations

import asyncio
import enum

from warmstart.adapter.asgi import ASGIApp, Message, Scope
from warmstart.adapter.fronts import Front

__all__ = ["TRANSPORTS_OWN", "ClientDisconnected", "HTTPCycle", "ResponseStage"]

TRANSPORTS_OWN = frozenset({b"transfer-encoding"})
"""Headers of a response that tell of its way and not of it."""


class ClientDisconnected(OSError):
    """The app sent to a client that has gone (ASGI HTTP 2.4: `send` raises an `OSError`)."""


class ResponseStage(enum.Enum):
    """How far the response is."""

    REQUEST = "no response yet"
    STARTED = "started"
    COMPLETE = "complete"


_DISCONNECT = "http.disconnect"
_PATHSEND_CHUNK = 256 * 1024


class HTTPCycle:
    """The `receive` and `send` of one request.

    `stage` tells how far the response is, `gone` whether its reader left. Headers
    whose names are `dropped` are not passed on.
    """

    __slots__ = ("_body", "_closed", "_dropped", "_watcher", "front", "gone", "stage")

    def __init__(
        self, body: bytes, front: Front, dropped: frozenset[bytes] = TRANSPORTS_OWN
    ) -> None:
        self._body: bytes | None = body
        self._dropped = dropped
        self.front = front
        self._closed: asyncio.Event | None = None
        self._watcher: asyncio.Future[None] | None = None
        self.stage = ResponseStage.REQUEST
        self.gone = False

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Call the app. What it raises comes out, unless its client has gone."""
        try:
            await app(scope, self.receive, self.send)
        except Exception:
            if not self.gone:
                raise
        finally:
            if self._watcher is not None:
                self._watcher.cancel()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if self.stage is not ResponseStage.COMPLETE and not self.gone:
            await self._wait_closed()
        return {"type": _DISCONNECT}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        stage = self.stage
        if self.gone:
            raise ClientDisconnected("The client has gone.")
        if kind == "http.response.body" and stage is ResponseStage.STARTED:
            more = message.get("more_body", False)
            try:
                await self.front.body(message.get("body", b""), more)
            except OSError as error:
                self._leave()
                raise ClientDisconnected("The client has gone.") from error
            if not more:
                self.stage = ResponseStage.COMPLETE
                if self._closed is not None:
                    self._closed.set()
            elif self._closed is not None:
                self._watch()
        elif kind == "http.response.start" and stage is ResponseStage.REQUEST:
            headers = [
                (lowered, value)
                for name, value in message.get("headers", ())
                if (lowered := name.lower()) not in self._dropped
            ]
            self.front.start(message["status"], headers)
            self.stage = ResponseStage.STARTED
        elif kind == "http.response.pathsend" and stage is ResponseStage.STARTED:
            await self._send_file(message["path"])
        else:
            raise RuntimeError(_explain(kind, stage))

    async def _send_file(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: ASYNC230 - one request at a time; a disk read is short
            data = file.read(_PATHSEND_CHUNK)
            more = True
            while more:
                following = file.read(_PATHSEND_CHUNK)
                more = bool(following)
                await self.send({"type": "http.response.body", "body": data, "more_body": more})
                data = following

    def _leave(self) -> None:
        """The reader has gone: wake whoever waits in `receive`."""
        self.gone = True
        if self._closed is not None:
            self._closed.set()

    async def _wait_closed(self) -> None:
        if self._closed is None:
            self._closed = asyncio.Event()
            self._watch()
        await self._closed.wait()

    def _watch(self) -> None:
        """Learn of the reader's leaving, once there is something to be left."""
        if self._watcher is not None:
            return
        awaitable = self.front.watch()
        if awaitable is not None:
            self._watcher = asyncio.ensure_future(awaitable)
            self._watcher.add_done_callback(self._reader_left)

    def _reader_left(self, watcher: asyncio.Future[None]) -> None:
        if not watcher.cancelled() and self.stage is not ResponseStage.COMPLETE:
            self._leave()


def _explain(kind: str, stage: ResponseStage) -> str:
    expected = {
        ResponseStage.REQUEST: "'http.response.start'",
        ResponseStage.STARTED: "'http.response.body'",
        ResponseStage.COMPLETE: "nothing: the response is complete",
    }[stage]
    return f"Unexpected ASGI message {kind!r}; expected {expected}."
