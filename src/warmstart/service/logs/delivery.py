"""Sending telemetry to a listener in an environment: batches by HTTP, lines by TCP.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html

A portion is sent until it is taken, with longer and longer pauses: the listener
may not be there yet, or be busy. Meanwhile the buffer fills, and then drops
what is too much. While the environment is frozen nothing is begun; what is
under way waits with it.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

from warmstart.service.clock import Clock
from warmstart.service.logs.buffer import Buffer
from warmstart.service.logs.records import timestamp
from warmstart.service.logs.subscription import Subscription

__all__ = ["Delivery"]

_HOST = "127.0.0.1"
"""What `sandbox.localdomain` is: an environment's own loopback, where it has one."""

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

_DROPPED = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."


class Delivery:
    """What one subscription brings about. `name` is the extension's.

    Its listener is connected to by what `connecting` makes.
    """

    def __init__(
        self,
        name: str,
        subscription: Subscription,
        clock: Clock,
        connecting: Callable[[], socket.socket],
    ) -> None:
        self.name = name
        self.subscription = subscription
        self._clock = clock
        self._connecting = connecting
        self._buffer = Buffer(subscription.max_items, subscription.max_bytes, subscription.timeout)
        self._changed = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()
        self._writer: asyncio.StreamWriter | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    def add(self, record: bytes, *, own: bool) -> None:
        """A record, as JSON; `own` if the subscriber wrote it."""
        self._buffer.add(record, self._clock.monotonic(), own=own)
        self._changed.set()

    def flush(self) -> None:
        """Send at once what there is."""
        self._buffer.flush()
        self._changed.set()

    def pause(self) -> None:
        """The environment is frozen."""
        self._running.clear()

    def resume(self) -> None:
        """It is not any more."""
        self._running.set()

    async def aclose(self) -> None:
        """Stop; what was not sent is lost."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._disconnect()

    async def _run(self) -> None:
        while True:
            await self._wait_due()
            await self._running.wait()
            portion, lost, lost_bytes = self._buffer.take(self._clock.monotonic())
            if lost:
                portion.insert(0, self._tell_lost(lost, lost_bytes))
            await self._send_until_taken(portion)

    async def _wait_due(self) -> None:
        while True:
            due = self._buffer.due_at()
            left = None if due is None else due - self._clock.monotonic()
            if left is not None and left <= 0:
                return
            self._changed.clear()
            with suppress(TimeoutError):
                # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes
                # together with what it waits for.
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _tell_lost(self, records: int, size: int) -> bytes:
        facts = {"reason": _DROPPED, "droppedRecords": records, "droppedBytes": size}
        time = timestamp(self._clock.time())
        return json.dumps({"time": time, "type": "platform.logsDropped", "record": facts}).encode()

    async def _send_until_taken(self, portion: Sequence[bytes]) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                if self.subscription.path is None:
                    await self._send_lines(portion)
                    return
                if await self._post(self.subscription.path, b"[" + b",".join(portion) + b"]"):
                    return
            except OSError:
                self._disconnect()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _send_lines(self, portion: Sequence[bytes]) -> None:
        if self._writer is None or self._writer.is_closing():
            _, self._writer = await self._connect()
        self._writer.writelines([record + b"\n" for record in portion])
        await self._writer.drain()

    async def _post(self, path: str, body: bytes) -> bool:
        """Send a batch; whether it was taken."""
        port = self.subscription.port
        reader, self._writer = await self._connect()
        head = (
            f"{self.subscription.method} {path} HTTP/1.1\r\n"
            f"Host: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        status = (await reader.readline()).split()
        self._disconnect()
        return len(status) > 1 and status[1].startswith(b"2")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = self._connecting()
        try:
            connection.setblocking(False)
            address = (_HOST, self.subscription.port)
            await asyncio.get_running_loop().sock_connect(connection, address)
            return await asyncio.open_connection(sock=connection)
        except BaseException:
            connection.close()
            raise

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
