"""A Runtime API for many polls at once: events from memory, answers thrown away."""

from __future__ import annotations

import asyncio
import socket
import time

__all__ = ["FakeAPI"]

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
    b'Content-Length: 16\r\n\r\n{"status":"OK"}\n'
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class FakeAPI:
    """Use with `async with`. Each `next` waits until `offer` has let an invocation go."""

    def __init__(self, event: bytes) -> None:
        self._event = event
        self._left = 0
        self._waiting: list[asyncio.Transport] = []
        self._answered = 0
        self._goal = 0
        self._reached: asyncio.Future[None] | None = None
        self._ids = 0
        self._polled = asyncio.Event()

    async def __aenter__(self) -> FakeAPI:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()

    async def wait_polls(self, count: int) -> None:
        """Wait until `count` polls wait for work."""
        while len(self._waiting) < count:
            self._polled.clear()
            await self._polled.wait()

    async def serve(self, count: int) -> float:
        """Let `count` invocations go and return the seconds until all are answered."""
        self._reached = asyncio.get_running_loop().create_future()
        self._goal = self._answered + count
        self._left += count
        started = time.perf_counter()
        for transport in self._waiting[:count]:
            self._send_event(transport)
        del self._waiting[:count]
        await self._reached
        return time.perf_counter() - started

    def on_poll(self, transport: asyncio.Transport) -> None:
        if self._left:
            self._send_event(transport)
        else:
            self._waiting.append(transport)
            self._polled.set()

    def on_answer(self) -> None:
        self._answered += 1
        if self._reached is not None and self._answered >= self._goal:
            self._reached.set_result(None)
            self._reached = None

    def _send_event(self, transport: asyncio.Transport) -> None:
        self._left -= 1
        self._ids += 1
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-{self._ids:012}\r\n"
            "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
            "Lambda-Runtime-Invoked-Function-Arn: "
            "arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
            "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
            f"Content-Length: {len(self._event)}\r\n\r\n"
        )
        transport.write(head.encode() + self._event)


class _Connection(asyncio.Protocol):
    def __init__(self, api: FakeAPI) -> None:
        self._api = api
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = 0
            if (at := head.find(b"content-length:")) >= 0:
                length = int(head[at + 15 :].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._on_request(head.partition(b"\r\n")[0])

    def _on_request(self, line: bytes) -> None:
        if b"/invocation/next" in line:
            self._api.on_poll(self._transport)
        elif line.endswith((b"/response http/1.1", b"/error http/1.1")):
            self._transport.write(_ACCEPTED)
            self._api.on_answer()
        else:
            self._transport.write(_NOT_FOUND)
