"""One invocation's answer on the blocking connection: whole, as a stream, or as an error.

It has the shape of `warmstart.adapter.exchange.Exchange`. Its coroutines do not
suspend: the one thing that waits is a stream whose reader is slow, and then the
handler's event loop waits for the socket, so the app's other tasks go on. A
handler that has no loop uses the `_now` twins, which block.

While a stream is open the service owes us nothing, so input on its connection
means that the reader has gone.
"""

from __future__ import annotations

from warmstart.runtime.connection import ProtocolError
from warmstart.runtime.stream import LAST_CHUNK, chunk, failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from typing import Any

    from warmstart.runtime.calls import Invocation
    from warmstart.runtime.client import RuntimeClient
    from warmstart.runtime.marshaller import Marshaller
    from warmstart.runtime.reports import Reporter

__all__ = ["MAX_PAYLOAD", "BlockingExchange", "ReaderGone"]

MAX_PAYLOAD = 6 * 1024 * 1024 + 100  # what the Runtime API takes
_VERDICT_MS = 2


class ReaderGone(OSError):
    """Nobody reads the streamed response any more."""


class BlockingExchange:
    """The answer to `invocation`. `streaming` is whether its front door takes a stream."""

    __slots__ = (
        "_client",
        "_connection",
        "_gone",
        "_invocation",
        "_marshaller",
        "_open",
        "_reporter",
        "answered",
        "streaming",
    )

    def __init__(
        self,
        client: RuntimeClient,
        reporter: Reporter,
        invocation: Invocation,
        *,
        marshaller: Marshaller,
        streaming: bool,
    ) -> None:
        self.streaming = streaming
        self.answered = False
        self._client = client
        self._reporter = reporter
        self._connection = client.connection
        self._invocation = invocation
        self._marshaller = marshaller
        self._open = False
        self._gone: Future[None] | None = None

    async def respond(self, result: Any) -> bool:
        """Post `result`, unless it is too large: then nothing is posted, and False returned."""
        body, content_type = self._marshal(result)
        if len(body) > MAX_PAYLOAD:
            return False
        self._post_response(body, content_type)
        return True

    async def post(self, result: Any) -> None:
        """Post `result`. If it is too large the service says so to the caller."""
        self.respond_now(result)

    def respond_now(self, result: Any) -> None:
        """As `post`."""
        self._post_response(*self._marshal(result))

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        """Begin a streamed response with its first bytes; `final` if they are all."""
        await self._send(self._opening(content_type, first, final))
        if final:
            await self._settle()

    def start_stream_now(self, content_type: str, first: bytes) -> None:
        """As `start_stream`, blocking."""
        self._send_now(self._opening(content_type, first, False))

    async def write(self, data: bytes) -> None:
        """Send the next bytes; waits while the reader is slow.

        Raises:
            ReaderGone: there is no use in sending more.
        """
        self._check_reader()
        await self._send(chunk(data))

    def write_now(self, data: bytes) -> None:
        """As `write`, blocking."""
        self._check_reader()
        self._send_now(chunk(data))

    async def finish(self) -> None:
        """End the streamed response."""
        if self._open and not self._reader_left():
            await self._send(LAST_CHUNK)
            await self._settle()

    def finish_now(self) -> None:
        """As `finish`, blocking."""
        if self._open and not self._reader_left():
            self._send_now(LAST_CHUNK)
            self._settle_now()

    async def fail(self, error: BaseException) -> None:
        """End the streamed response as broken, with `error` in its trailers."""
        self.fail_now(error)

    def fail_now(self, error: BaseException) -> None:
        """Log `error` and make it the invocation's.

        It is posted whole, or in the trailers of an open stream; if it is too
        late for either, it is in the log alone.
        """
        if not self.answered:
            self.answered = True
            self._post("error", self._reporter.error_call(self._invocation, error))
            return
        report = self._reporter.log(error, self._invocation.request_id)
        if not self._open or self._reader_left():
            return
        from warmstart.runtime.reports import encoded

        try:
            self._send_now(failure(report.header, encoded(report)))
            self._settle_now()
        except OSError as problem:
            self._reporter.lost("error", problem)
        self._connection.close()  # a broken response ends its connection

    async def wait_disconnect(self) -> None:
        """Return when the reader of a streamed response has gone."""
        if self._open:
            import asyncio

            await asyncio.wait((self._watch(),))  # being cancelled must not cancel the future

    # Whole answers.

    def _marshal(self, result: Any) -> tuple[bytes, str]:
        body, content_type = self._marshaller.marshal_response(result)
        return body.encode() if isinstance(body, str) else body, content_type

    def _post_response(self, body: bytes, content_type: str) -> None:
        self.answered = True
        message = self._client.calls.response(self._invocation, body, content_type)
        self._post("response", message)

    def _post(self, what: str, message: bytes) -> None:
        try:
            response = self._client.post(message)
        except (OSError, ProtocolError) as problem:
            self._reporter.lost(what, problem)
        else:
            self._reporter.settle(what, response)

    # Streams.

    def _opening(self, content_type: str, first: bytes, final: bool) -> bytes:
        connection = self._connection
        if connection.served and connection.has_input():
            connection.close()  # the service dropped it while the handler ran
        if not connection.is_open:
            connection.connect()
        self.answered = self._open = True
        head = self._client.calls.stream(self._invocation, content_type)
        return b"".join((head, chunk(first), LAST_CHUNK if final else b""))

    def _send_now(self, data: bytes) -> None:
        try:
            self._connection.send(data)
        except OSError as error:
            raise self._drop() from error

    async def _send(self, data: bytes) -> None:
        """Send `data` without holding up the event loop."""
        rest = memoryview(data)
        try:
            while rest := rest[self._connection.send_nowait(rest) :]:
                await self._wait_writable()
        except ReaderGone:
            raise
        except OSError as error:
            raise self._drop() from error

    async def _wait_writable(self) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        fd = self._connection.fileno()
        writable: Future[None] = loop.create_future()
        loop.add_writer(fd, _resolve, writable)
        try:
            await asyncio.wait((writable, self._watch()), return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_writer(fd)
        self._check_reader()

    def _check_reader(self) -> None:
        if self._reader_left():
            raise ReaderGone("The reader of the response has gone.")

    def _reader_left(self) -> bool:
        if self._open and self._connection.has_input():
            self._drop()
        return not self._open

    async def _settle(self) -> None:
        # Nearly always the verdict is there at once. If not, the reader is slow
        # to take the last bytes, and other tasks may use the time.
        if not self._connection.has_input(_VERDICT_MS):
            import asyncio

            await asyncio.wait((self._watch(),))
        self._settle_now()

    def _settle_now(self) -> None:
        """Read what the service says of the whole stream."""
        self._end()
        try:
            self._reporter.settle("response", self._connection.read_response())
        except (OSError, ProtocolError) as problem:
            self._connection.close()
            self._reporter.lost("response", problem)

    def _drop(self) -> ReaderGone:
        """Give up the stream, and the connection whose request was not finished."""
        self._end()
        self._connection.close()
        return ReaderGone("The reader of the response has gone.")

    def _end(self) -> None:
        self._open = False
        if self._gone is not None:
            self._gone.get_loop().remove_reader(self._connection.fileno())

    def _watch(self) -> Future[None]:
        """A future that is done when there is input on the connection."""
        if self._gone is None:
            import asyncio

            loop = asyncio.get_running_loop()
            self._gone = loop.create_future()
            loop.add_reader(self._connection.fileno(), self._on_input)
        return self._gone

    def _on_input(self) -> None:
        assert self._gone is not None
        self._gone.get_loop().remove_reader(self._connection.fileno())
        _resolve(self._gone)


def _resolve(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
