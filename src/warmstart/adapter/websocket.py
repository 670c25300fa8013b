"""One WebSocket connection through an ASGI app.

    CONNECTING ── accept ─────────────▶ OPEN ── close ──▶ CLOSED
        │                                                   ▲
        ├─ close ───────────────────────────────────────────┤
        └─ http.response.start ──▶ DENYING ── last body ────┘

`WebSocketCycle` is the `receive` and `send` of one connection. Its app runs in a
task that outlives the invocation: it goes on when the next event of the
connection, or any other event, enters the loop.

An event is over when the app has *settled*: it has ended, or it has taken every
message and waits in `receive` for more while nothing that it sent is under way.

API Gateway knows the connection only when `$connect` has been answered; before
that, what is sent to it meets 410 Gone. So `accept` returns to the app when that
is done, which `establish` tells.
"""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Sequence

from warmstart.adapter.asgi import ASGIApp, Message, Scope
from warmstart.adapter.connections import ConnectionGone, Connections
from warmstart.events.http import Headers, HTTPResponse

__all__ = ["HandshakeIncomplete", "SocketStage", "WebSocketCycle"]


class HandshakeIncomplete(RuntimeError):
    """The app returned without accepting or refusing a connection."""


class SocketStage(enum.Enum):
    """How far the connection is."""

    CONNECTING = "neither accepted nor refused"
    DENYING = "being refused with a response"
    OPEN = "open"
    CLOSED = "closed"


_MOVES = {
    (SocketStage.CONNECTING, "websocket.accept"): SocketStage.OPEN,
    (SocketStage.CONNECTING, "websocket.close"): SocketStage.CLOSED,
    (SocketStage.CONNECTING, "websocket.http.response.start"): SocketStage.DENYING,
    (SocketStage.DENYING, "websocket.http.response.body"): SocketStage.DENYING,
    (SocketStage.OPEN, "websocket.send"): SocketStage.OPEN,
    (SocketStage.OPEN, "websocket.close"): SocketStage.CLOSED,
}

# RFC 6455, section 7.4.1: no close frame was received.
_ABNORMAL = 1006

# A framework that reads in one task and works in another (Quart does) needs some
# turns of the loop to bring a message from the one to the other.
_TURNS = 5

# `$connect` is answered, and API Gateway may need a moment to know the connection.
_GREETING_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)


class WebSocketCycle:
    """The app's side of one connection.

    Args:
        app: The ASGI application.
        scope: The connection's scope.
        connections: Where what the app sends goes.
        connection_id: The connection's id.
        endpoint: The endpoint of its API.
        resumed: The client was accepted before, in another environment: the
            app's own accept is swallowed.
        greeting_pauses: Seconds between the attempts to send to a connection
            that has only just been accepted.

    `answer` is what the app says to the handshake, as soon as it has; `error`
    what it raised, `gone` whether the client has left.
    """

    def __init__(
        self,
        app: ASGIApp,
        scope: Scope,
        connections: Connections,
        connection_id: str,
        endpoint: str,
        *,
        resumed: bool = False,
        greeting_pauses: Sequence[float] = _GREETING_PAUSES,
    ) -> None:
        self.stage = SocketStage.CONNECTING
        self.answer: HTTPResponse | None = None
        self.error: BaseException | None = None
        self._app = app
        self._scope = scope
        self._connections = connections
        self.connection_id = connection_id
        self._endpoint = endpoint
        self._resumed = resumed
        self._greeting_pauses: Sequence[float] = () if resumed else greeting_pauses
        self._inbox: deque[Message] = deque([{"type": "websocket.connect"}])
        self._disconnect: Message | None = None
        self.gone = False
        self._readers = 0
        self._sends = 0
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._established = asyncio.Event()
        if resumed:
            self._established.set()
        self.task = asyncio.get_running_loop().create_task(
            self._live(), name=f"warmstart-websocket-{connection_id}"
        )
        self.task.add_done_callback(lambda task: self._changed.set())

    # The client's side.

    def establish(self) -> None:
        """API Gateway has been told that the connection is accepted."""
        self._established.set()

    def deliver(self, data: str | bytes) -> None:
        """Give the app a message of its client, unless it has closed the connection."""
        self._greeting_pauses = ()
        if self._disconnect is None:
            kind = "text" if isinstance(data, str) else "bytes"
            self._feed({"type": "websocket.receive", kind: data})

    def disconnect(self, code: int = _ABNORMAL, reason: str = "") -> None:
        """Tell the app that its client has left. What it sends from now on raises."""
        self.gone = True
        self._established.set()
        self._end(code, reason)

    def abandon(self) -> None:
        """Cancel the app. The connection itself stays open."""
        self.gone = True
        self.task.cancel()

    async def wait_answered(self) -> None:
        """Wait until the app has answered the handshake, or has ended without."""
        while self.answer is None and not self.task.done():
            await self._wait_changed()

    async def wait_settled(self) -> None:
        """Wait until the app has ended, or waits for its client."""
        while not self.task.done():
            if self._settled:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                if self._settled:
                    return
            else:
                await self._wait_changed()

    @property
    def _settled(self) -> bool:
        return self._readers > 0 and not self._inbox and not self._sends

    async def _wait_changed(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _feed(self, message: Message) -> None:
        self._inbox.append(message)
        self._arrived.set()

    # The app's side.

    async def receive(self) -> Message:
        while not self._inbox:
            if self._disconnect is not None:
                await asyncio.sleep(0)  # an app that ignores it must not hold up the loop
                return self._disconnect
            self._readers += 1
            self._changed.set()
            try:
                self._arrived.clear()
                await self._arrived.wait()
            finally:
                self._readers -= 1
        return self._inbox.popleft()

    async def send(self, message: Message) -> None:
        kind = message["type"]
        stage = self.stage
        if self.gone and stage in (SocketStage.OPEN, SocketStage.CLOSED):
            raise ConnectionGone(self.connection_id)
        following = _MOVES.get((stage, kind))
        if following is None:
            raise RuntimeError(_explain(kind, stage))
        if stage is SocketStage.OPEN:
            self._sends += 1
            try:
                await self._send_out(message, following)
            finally:
                self._sends -= 1
                self._changed.set()
        else:
            await self._answer(message, following)

    async def _send_out(self, message: Message, following: SocketStage) -> None:
        if following is SocketStage.CLOSED:
            self.stage = following
            self._inbox.clear()  # what the client still says is not heard
            self._end(message.get("code", 1000), message.get("reason") or "")
            await self._connections.close(self.connection_id, self._endpoint)
            return
        data = _data(message)
        for pause in self._greeting_pauses:
            try:
                await self._connections.send(self.connection_id, data, self._endpoint)
                return
            except ConnectionGone:
                await asyncio.sleep(pause)
        try:
            await self._connections.send(self.connection_id, data, self._endpoint)
        except ConnectionGone:
            self.disconnect()
            raise

    async def _answer(self, message: Message, following: SocketStage) -> None:
        """What the app says to the handshake."""
        self.stage = following
        if following is SocketStage.OPEN:
            self._reply(HTTPResponse(200, _accept_headers(message)))
            await self._established.wait()
        elif following is SocketStage.CLOSED:
            self._reply(HTTPResponse(403))
            await self._refuse()
        elif message["type"] == "websocket.http.response.start":
            self._denial = HTTPResponse(message["status"], list(message.get("headers", ())))
        else:
            self._denial.body += message.get("body", b"")
            if not message.get("more_body", False):
                self.stage = SocketStage.CLOSED
                self._reply(self._denial)
                await self._refuse()

    async def _refuse(self) -> None:
        """End a connection that is not wanted; one that was accepted elsewhere has to be closed."""
        self._end(_ABNORMAL, "")
        if self._resumed and not self.gone:
            await self._connections.close(self.connection_id, self._endpoint)

    def _reply(self, answer: HTTPResponse) -> None:
        self.answer = answer
        self._changed.set()

    def _end(self, code: int, reason: str) -> None:
        if self._disconnect is None:
            self._disconnect = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self._feed(self._disconnect)

    async def _live(self) -> None:
        try:
            await self._app(self._scope, self.receive, self.send)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                return  # abandoned
            self.error = None if self.gone else error
        except Exception as error:  # noqa: BLE001 - kept for the invocation
            self.error = None if self._is_farewell(error) else error
        else:
            if self.stage in (SocketStage.CONNECTING, SocketStage.DENYING) and not self.gone:
                self.error = HandshakeIncomplete(
                    f"The app returned while the connection was {self.stage.value}."
                )
        held = self._resumed and self.stage is not SocketStage.CLOSED
        if (held or self.stage is SocketStage.OPEN) and not self.gone:
            await self._close_behind()

    async def _close_behind(self) -> None:
        """Close the connection that the app has left open."""
        self.stage = SocketStage.CLOSED
        try:
            await self._connections.close(self.connection_id, self._endpoint)
        except Exception as error:  # noqa: BLE001 - kept for the invocation
            self.error = self.error or error

    def _is_farewell(self, error: Exception) -> bool:
        """Whether `error` is how the app, or its framework, takes leave of a client that has left.

        Frameworks raise an error of their own for it, which carries the code.
        """
        if isinstance(error, ConnectionGone):
            return True
        code = getattr(error, "code", None)
        return self._disconnect is not None and code in (self._disconnect["code"], _ABNORMAL)


def _data(message: Message) -> str | bytes:
    text, binary = message.get("text"), message.get("bytes")
    if (text is None) == (binary is None):
        raise RuntimeError("'websocket.send' wants either text or bytes.")
    data = binary if text is None else text
    if not isinstance(data, str | bytes | bytearray | memoryview):
        raise TypeError(f"'websocket.send' wants a str as text or bytes as bytes, not {data!r}.")
    return data if isinstance(data, str) else bytes(data)


def _accept_headers(message: Message) -> Headers:
    headers = list(message.get("headers", ()))
    if subprotocol := message.get("subprotocol"):
        # In the case that AWS's documentation gives it.
        headers.append((b"Sec-WebSocket-Protocol", subprotocol.encode("latin-1")))
    return headers


def _explain(kind: str, stage: SocketStage) -> str:
    legal = [repr(message) for state, message in _MOVES if state is stage]
    expected = " or ".join(legal) or "nothing more"
    return (
        f"Unexpected ASGI message {kind!r}: the connection is {stage.value}; expected {expected}."
    )
