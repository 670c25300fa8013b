"""A loopback HTTP endpoint of an environment's own, served by uvicorn's httptools protocol.

uvicorn's `Server` is made for one endpoint per process: it brings signal
handlers and a ticking main loop. Here there is an endpoint for each
environment, so only its protocol is used, on a listening socket each. What that
relies on is pinned by this room's tests.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

__all__ = ["Endpoint"]

_FOREVER = 10**7
"""Seconds. A runtime keeps its connection while a handler runs, and an idle one is the normal case."""


class Endpoint:
    """An ASGI application on its own port. `address` is host:port."""

    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self._server = server
        self._state = state
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"

    @classmethod
    async def open(cls, app: ASGI3Application) -> Endpoint:
        """Listen on a free port of 127.0.0.1. Raises `OSError`."""
        config = Config(
            app,
            http="httptools",
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

        def protocol() -> asyncio.Protocol:
            connection: Any = config.http_protocol_class(config, state, {})  # type: ignore[call-arg]
            # The access log is for people's requests, and these are a runtime's.
            connection.access_log = False
            return connection  # type: ignore[no-any-return]

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        return cls(server, state)

    def close(self) -> None:
        """Stop listening and cut all connections."""
        self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
