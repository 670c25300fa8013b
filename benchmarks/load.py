"""A small HTTP load generator: raw keep-alive connections, one request at a time on each.

It reads as little of each response as tells where it ends, so that on a small
machine the load costs less than what is measured.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import cast

__all__ = ["Outcome", "run_load"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round: requests per second and latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float
    errors: int


class _Connection(asyncio.Protocol):
    """Sends the request again each time a response is complete, until the time is over."""

    def __init__(self, request: bytes, until: float, done: asyncio.Future[None]) -> None:
        self.latencies: list[float] = []
        self.errors = 0
        self._request = request
        self._until = until
        self._done = done
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no such class
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _complete(self._buffer):
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self.errors += 1
        self._buffer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None or self._buffer:
            self.errors += 1
        if not self._done.done():
            self._done.set_result(None)


def _complete(response: bytes) -> bool:
    end = response.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = response[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return response.endswith(b"\r\n0\r\n\r\n")
    length = int(head[at + 15 : head.find(b"\r\n", at) if b"\r\n" in head[at:] else end])
    return len(response) >= end + 4 + length


async def _run(port: int, request: bytes, clients: int, seconds: float) -> Outcome:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    connections: list[_Connection] = []
    ends: list[asyncio.Future[None]] = []
    for _ in range(clients):
        done: asyncio.Future[None] = loop.create_future()
        connection = _Connection(request, started + seconds, done)
        await loop.create_connection(lambda c=connection: c, "127.0.0.1", port)  # type: ignore[misc]
        connections.append(connection)
        ends.append(done)
    await asyncio.wait(ends, timeout=seconds + 30)
    elapsed = time.perf_counter() - started
    latencies = sorted(latency for c in connections for latency in c.latencies)
    count = len(latencies)
    return Outcome(
        per_second=count / elapsed,
        p50=latencies[count // 2] * 1000,
        p99=latencies[min(count - 1, int(count * 0.99))] * 1000,
        errors=sum(c.errors for c in connections),
    )


def run_load(port: int, request: bytes, *, clients: int, seconds: float) -> Outcome:
    """Send `request` from `clients` connections to a port of this machine for `seconds`."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(port, request, clients, seconds))
