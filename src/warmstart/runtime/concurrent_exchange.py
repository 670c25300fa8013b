"""One invocation's answer on a connection of the event loop, among others at the same time.

It has the shape of `warmstart.adapter.exchange.Exchange`. While a stream is open
its answer is read already; if it comes before the end, the reader has gone.
"""

from __future__ import annotations

import asyncio
from typing import Any

from warmstart.runtime.async_connection import AsyncConnection
from warmstart.runtime.calls import Calls, Invocation
from warmstart.runtime.connection import ProtocolError, Response
from warmstart.runtime.exchange import MAX_PAYLOAD, ReaderGone
from warmstart.runtime.marshaller import marshaller
from warmstart.runtime.reports import Reporter, encoded
from warmstart.runtime.stream import LAST_CHUNK, chunk, failure

__all__ = ["ConcurrentExchange"]


class ConcurrentExchange:
    """The answer to `invocation`, posted on the connection that brought it."""

    def __init__(
        self,
        connection: AsyncConnection,
        calls: Calls,
        reporter: Reporter,
        invocation: Invocation,
        *,
        streaming: bool,
    ) -> None:
        self.streaming = streaming
        self.answered = False
        self._connection = connection
        self._calls = calls
        self._reporter = reporter
        self._invocation = invocation
        self._verdict: asyncio.Task[Response] | None = None  # of the stream that is open

    async def respond(self, result: Any) -> bool:
        """Post `result`, unless it is too large: then nothing is posted, and False returned."""
        body, content_type = _marshal(result)
        if len(body) > MAX_PAYLOAD:
            return False
        await self._post_response(body, content_type)
        return True

    async def post(self, result: Any) -> None:
        """Post `result`. If it is too large the service says so to the caller."""
        await self._post_response(*_marshal(result))

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        """Begin a streamed response with its first bytes; `final` if they are all."""
        self.answered = True
        await self._connection.refresh()
        head = self._calls.stream(self._invocation, content_type)
        await self._connection.send(b"".join((head, chunk(first), LAST_CHUNK if final else b"")))
        self._verdict = asyncio.create_task(self._connection.read_response())
        if final:
            await self._settle()

    async def write(self, data: bytes) -> None:
        """Send the next bytes; waits while the reader is slow.

        Raises:
            ReaderGone: there is no use in sending more.
        """
        await self._send(chunk(data))

    async def finish(self) -> None:
        """End the streamed response."""
        if self._is_open():
            await self._send(LAST_CHUNK)
            await self._settle()

    async def fail(self, error: BaseException) -> None:
        """Log `error` and make it the invocation's: whole, or in the trailers of the stream."""
        if not self.answered:
            self.answered = True
            await self._post("error", self._reporter.error_call(self._invocation, error))
            return
        report = self._reporter.log(error, self._invocation.request_id)
        if self._is_open():
            try:
                await self._send(failure(report.header, encoded(report)))
                await self._settle()
            except ReaderGone as problem:
                self._reporter.lost("error", problem)
            self._connection.close()  # a broken response ends its connection

    async def wait_disconnect(self) -> None:
        """Return when the reader of a streamed response has gone."""
        if self._verdict is not None:
            await asyncio.wait((self._verdict,))  # being cancelled must not cancel the reading

    async def _post_response(self, body: bytes, content_type: str) -> None:
        self.answered = True
        message = self._calls.response(self._invocation, body, content_type)
        await self._post("response", message)

    async def _post(self, what: str, message: bytes) -> None:
        try:
            response = await self._connection.request(message)
        except (OSError, ProtocolError) as problem:
            self._reporter.lost(what, problem)
        else:
            self._reporter.settle(what, response)

    def _is_open(self) -> bool:
        """Whether the stream goes on; one whose reader has gone is given up."""
        if self._verdict is not None and self._verdict.done():
            self._give_up()
        return self._verdict is not None

    async def _send(self, data: bytes) -> None:
        if not self._is_open():
            raise ReaderGone("The reader of the response has gone.")
        assert self._verdict is not None
        sending = asyncio.ensure_future(self._connection.send(data))
        await asyncio.wait((sending, self._verdict), return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and sending.exception() is None:
            return
        sending.cancel()
        self._give_up()
        raise ReaderGone("The reader of the response has gone.")

    async def _settle(self) -> None:
        """Wait for what the service says of the whole stream."""
        verdict, self._verdict = self._verdict, None
        assert verdict is not None
        try:
            self._reporter.settle("response", await verdict)
        except (OSError, ProtocolError) as problem:
            self._connection.close()
            self._reporter.lost("response", problem)

    def _give_up(self) -> None:
        assert self._verdict is not None
        self._verdict.cancel()
        if self._verdict.done() and not self._verdict.cancelled():
            self._verdict.exception()  # is known
        self._verdict = None
        self._connection.close()


def _marshal(result: Any) -> tuple[bytes, str]:
    body, content_type = marshaller().marshal_response(result)
    return body.encode() if isinstance(body, str) else body, content_type
