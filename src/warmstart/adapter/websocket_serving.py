"""API Gateway's WebSocket events, and the connections that live in this environment.

    CONNECT      start the app; answer when it has accepted or refused
    MESSAGE      give it to the app; answer when the app has settled
    DISCONNECT   tell the app; answer when it has ended

A connection's events may come to any environment. One that is not known here
was accepted elsewhere, so the app is started for it again, *resumed*: `receive`
gives `websocket.connect`, its accept is swallowed, and the event follows. Such an
event has no headers and no query, so the scope has none but the host and the
user agent; `scope["extensions"]["warmstart.websocket"]["resumed"]` says why.

An app that ended while its client stays is not started again for the
disconnect that its own close brings about.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from warmstart.adapter.asgi import ASGIApp, Scope
from warmstart.adapter.connections import Connections
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.exchange import Exchange
from warmstart.adapter.results import respond
from warmstart.adapter.returned import ReturnedAnswer
from warmstart.adapter.websocket import SocketStage, WebSocketCycle
from warmstart.events.errors import MalformedEvent
from warmstart.events.http import Headers, HTTPResponse
from warmstart.events.origin import origin_of
from warmstart.events.source import Source
from warmstart.events.websocket import (
    Connect,
    Connection,
    Disconnect,
    Message,
    build_response,
    decode_event,
)

__all__ = ["WebSocketAdapter", "endpoint_of"]

logger = logging.getLogger("warmstart")

_LONGEST_LIFE = 2 * 60 * 60  # seconds; API Gateway closes a connection then
_REMEMBERED = 1024


class WebSocketAdapter:
    """Serves WebSocket events with an app.

    Args:
        app: The ASGI application.
        connections: Where what the app sends goes.
        path: The path of the connections' scopes.
        raises: Whether an exception of the app fails the invocation.
        clock: Seconds since some fixed time.
    """

    def __init__(
        self,
        app: ASGIApp,
        connections: Connections,
        *,
        path: str = "/",
        raises: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._connections = connections
        self._path = path
        self._raises = raises
        self._clock = clock
        # Both in the order of their beginning.
        self._living: dict[str, tuple[WebSocketCycle, float]] = {}
        self._ended: dict[str, None] = {}
        self._unannounced: list[WebSocketCycle] = []

    async def serve(
        self,
        source: Source,
        event: Any,
        context: Any,
        exchange: Exchange,
        *,
        state: dict[str, Any],
        deadline: Deadline,
    ) -> None:
        """Serve one event of a connection.

        Raises:
            HandshakeIncomplete: the app did not answer the handshake, and `raises`.
            Exception: what the app raised, if `raises`.
        """
        try:
            happening = decode_event(event)
        except MalformedEvent as error:
            await _answer(
                exchange, HTTPResponse(400, body=f"The event cannot be read: {error}".encode())
            )
            return
        self._tend()
        connection = happening.connection
        if isinstance(happening, Disconnect) and connection.id in self._ended:
            del self._ended[connection.id]
            await _answer(exchange, HTTPResponse(200))
            return
        cycle = self._living.get(connection.id, (None, 0))[0]
        if cycle is None or isinstance(happening, Connect):
            scope = _scope(happening, self._path, state, event, context)
            cycle = self._start(connection, scope)
        try:
            answer = await self._drive(cycle, happening)
        except asyncio.CancelledError as error:
            self._give_up(cycle, error, deadline)
            answer = HTTPResponse(504)
        await _answer(exchange, answer)
        if isinstance(happening, Connect):
            await self._announce(cycle, exchange, deadline)

    async def stop(self) -> None:
        """Cancel the apps of all connections. The connections stay open, for other environments."""
        cycles = [cycle for cycle, _ in self._living.values()]
        for cycle in cycles:
            cycle.abandon()
        if cycles:
            await asyncio.wait([cycle.task for cycle in cycles])

    def statistics(self) -> dict[str, int]:
        """How many connections are held, and what else is kept."""
        return {
            "living": len(self._living),
            "ended": len(self._ended),
            "unannounced": len(self._unannounced),
        }

    async def _drive(
        self, cycle: WebSocketCycle, happening: Connect | Message | Disconnect
    ) -> HTTPResponse:
        """Let the app hear of what is `happening`, and wait for the answer."""
        if isinstance(happening, Connect):
            await cycle.wait_answered()
            if cycle.answer is not None:
                return cycle.answer
        elif isinstance(happening, Message):
            cycle.deliver(happening.body)
            await cycle.wait_settled()
        else:
            cycle.disconnect(happening.code, happening.reason)
            await cycle.wait_settled()
        if cycle.error is None:
            return HTTPResponse(200)
        if self._raises:
            raise cycle.error
        return HTTPResponse(500)

    async def _announce(
        self, cycle: WebSocketCycle, exchange: Exchange, deadline: Deadline
    ) -> None:
        """Let an accepted app go on when API Gateway knows the connection."""
        if cycle.stage is SocketStage.OPEN and isinstance(exchange, ReturnedAnswer):
            # The answer leaves when this invocation has ended, so the next one tells.
            self._unannounced.append(cycle)
            return
        cycle.establish()
        try:
            await cycle.wait_settled()
        except asyncio.CancelledError as error:
            self._give_up(cycle, error, deadline)

    def _give_up(
        self, cycle: WebSocketCycle, error: asyncio.CancelledError, deadline: Deadline
    ) -> None:
        """Cancel an app that is not done in time; the next event starts it again, resumed."""
        cycle.abandon()
        self._living.pop(cycle.connection_id, None)
        deadline.reclaim(error)
        logger.error("The app was not done with a WebSocket event before the deadline.")

    def _start(self, connection: Connection, scope: Scope) -> WebSocketCycle:
        about = scope["extensions"]["warmstart.websocket"]
        cycle = WebSocketCycle(
            self._app,
            scope,
            self._connections,
            connection.id,
            about["endpoint"],
            resumed=about["resumed"],
        )
        earlier, _ = self._living.pop(connection.id, (None, 0))
        if earlier is not None:
            earlier.disconnect()  # an id begins anew: what it was before has gone unheard
        self._living[connection.id] = cycle, self._clock()
        cycle.task.add_done_callback(lambda task: self._forget(cycle))
        return cycle

    def _forget(self, cycle: WebSocketCycle) -> None:
        connection_id = cycle.connection_id
        if self._living.get(connection_id, (None, 0))[0] is cycle:
            del self._living[connection_id]
        if cycle.error is not None:
            logger.error(
                "The app failed on the WebSocket connection %s.",
                connection_id,
                exc_info=cycle.error,
            )
        if not cycle.gone:
            self._ended[connection_id] = None
            if len(self._ended) > _REMEMBERED:
                del self._ended[next(iter(self._ended))]

    def _tend(self) -> None:
        """What the time since the last event allows, or asks for."""
        while self._unannounced:
            self._unannounced.pop().establish()
        # An app whose client left while another environment was listening.
        oldest = self._clock() - _LONGEST_LIFE
        for connection_id, (cycle, started) in list(self._living.items()):
            if started > oldest:
                break
            del self._living[connection_id]
            cycle.disconnect()


async def _answer(exchange: Exchange, response: HTTPResponse) -> None:
    await respond(exchange, build_response(response))


def _scope(
    happening: Connect | Message | Disconnect,
    path: str,
    state: dict[str, Any],
    event: Any,
    context: Any,
) -> Scope:
    """The WebSocket scope (ASGI 3.0, WebSocket 2.5) of a connection."""
    connection = happening.connection
    if isinstance(happening, Connect):
        headers, query_string = happening.headers, happening.query_string
    else:
        headers, query_string = _known_headers(connection), b""
    scheme, server = origin_of(headers, connection.domain_name)
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": {"http": "ws", "https": "wss"}[scheme],
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "query_string": query_string,
        "root_path": "",
        "headers": headers,
        "client": (connection.source_ip, 0) if connection.source_ip else None,
        "server": server,
        "subprotocols": _subprotocols(headers),
        "state": state.copy(),
        "extensions": {
            "websocket.http.response": {},
            "warmstart.websocket": {
                "connection_id": connection.id,
                "endpoint": endpoint_of(connection),
                "resumed": not isinstance(happening, Connect),
            },
        },
        "aws.event": event,
        "aws.context": context,
    }


def _known_headers(connection: Connection) -> Headers:
    """The headers of the handshake that each event tells again."""
    known = {b"host": connection.domain_name, b"user-agent": connection.user_agent}
    return [(name, value.encode("latin-1", "replace")) for name, value in known.items() if value]


def _subprotocols(headers: Headers) -> list[str]:
    offered = b",".join(value for name, value in headers if name == b"sec-websocket-protocol")
    return [name for part in offered.decode("latin-1").split(",") if (name := part.strip())]


def endpoint_of(connection: Connection) -> str:
    """The endpoint of the API that `connection` belongs to.

    A custom domain does not tell under which path the API is mapped, so the API's
    own domain is taken then; it is known from its id and `AWS_REGION`.
    """
    region = os.environ.get("AWS_REGION")
    if ".execute-api." in connection.domain_name or not (connection.api_id and region):
        return connection.endpoint
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{connection.api_id}.execute-api.{region}.{suffix}/{connection.stage}"
