from __future__ import annotations

import asyncio
import gc
import socket
import struct
import weakref
from typing import Any

import anyio

from warmstart.service.endpoints.endpoint import Endpoint

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing tells the peer at once, as a killed one's may


class Answers:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


async def served() -> weakref.ref[Answers]:
    """The application of an endpoint that a client left with a reset, and that is closed."""
    app = Answers()
    endpoint = await Endpoint.open(app)
    host, port = endpoint.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.close()
    await writer.wait_closed()
    with anyio.fail_after(5):
        while endpoint._state.connections:  # noqa: ASYNC110 - nobody tells when it has noticed
            await asyncio.sleep(0)
    await endpoint.close()
    return weakref.ref(app)


async def test_a_connection_that_is_reset_keeps_nothing_of_its_endpoint_alive() -> None:
    app = await served()
    await asyncio.sleep(0)
    gc.collect()
    assert app() is None
