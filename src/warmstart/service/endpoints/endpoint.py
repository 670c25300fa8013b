"""A loopback HTTP endpoint of an environment's own, served by uvicorn's httptools protocol.

uvicorn's `Server` is made for one endpoint per process: it brings signal
handlers and a ticking main loop. Here there is an endpoint for each
environment, so only its protocol is used, on a listening socket each. What that
relies on is pinned by this room's tests.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

__all__ = ["HEADER_COUNT", "Application", "Endpoint", "OneWriteProtocol"]

HEADER_COUNT = "warmstart.header_count"
"""Key of the scope: how many of the request's headers are no trailers."""

Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application, with whatever types it has for scope, receive and send."""

_FOREVER = 10**7
"""Seconds. While a handler runs, the runtime's connection is quiet, for as long as it takes."""


class _OneWrite:
    """A transport that sends what is written within one turn of the loop at once.

    uvicorn writes a response's head and its body separately. Each write is a
    system call, and the first wakes a blocked reader for half a response: a
    quarter of what an invocation costs.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._call_soon = asyncio.get_running_loop().call_soon
        self._pending: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._pending:
            self._call_soon(self._flush)
        self._pending.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        if pending and not self._transport.is_closing():
            self._transport.write(b"".join(pending))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which sends the head of a response together with its body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        one_write = _OneWrite(cast(asyncio.Transport, transport))
        super().connection_made(cast(asyncio.Transport, one_write))


class _Protocol(OneWriteProtocol):
    """The same, for a runtime's requests."""

    def __init__(self, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {})
        # The access log is for people's requests.
        self.access_log = False

    def on_headers_complete(self) -> None:
        # Trailers are appended to the headers when the body is read, which is before
        # the application starts if all came at once: only here the two can be told apart.
        scope = cast(dict[str, Any], self.scope)
        scope[HEADER_COUNT] = len(self.headers)
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn leaves the timer of a connection that was reset (a killed runtime's) to run
        # out, and everything of the environment hangs on it: here that is _FOREVER.
        self._unset_keepalive_if_required()


class Endpoint:
    """An ASGI application on its own port. `address` is host:port."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self._server = server
        self._state = state
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    @classmethod
    async def open(cls, app: Application, listener: socket.socket | None = None) -> Endpoint:
        """Listen at `listener`, by default on a free port of 127.0.0.1. Raises `OSError`."""
        config = Config(
            app,
            http=_Protocol,
            ws="none",
            interface="asgi3",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_FOREVER,
        )
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        listener = listener or socket.create_server(("127.0.0.1", 0), backlog=100)
        server = await loop.create_server(lambda: _Protocol(config, state), sock=listener)
        return cls(server, state)

    async def disconnect(self) -> None:
        """Cut all connections there are; on return they are closed."""
        for connection in list(self._state.connections):
            connection.transport.abort()
        # The transports close in the loop's next turn.
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop listening and cut all connections; on return they are closed."""
        self._server.close()
        await self.disconnect()
