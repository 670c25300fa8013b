"""The small protocol between a runtime and a handler that answers by itself.

AWS's own runtime calls `handler(event, context)` and posts what it returns. A
runtime that knows this protocol gives the handler an `Exchange` instead, and
the handler answers when the answer is ready: before its background work is
done, or piece by piece. Neither side imports the other; both match these shapes.
"""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Exchange", "NativeHandler"]


class Exchange(Protocol):
    """How one invocation is answered: `respond` once, or `start_stream`, `write`…, `finish`.

    The coroutines of a runtime that serves one invocation at a time never
    suspend, except to wait for a slow reader.
    """

    @property
    def streaming(self) -> bool:
        """Whether the front door takes a streamed response."""
        ...

    async def respond(self, result: Any) -> bool:
        """Post `result` as the whole response, as JSON (`bytes` go as they are).

        Returns False if it is larger than the service takes: then nothing was
        posted, and a smaller answer may follow.
        """
        ...

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        """Begin a streamed response of `content_type` and send its first bytes at once.

        `final` says that these bytes are all: the same as `finish` right after,
        in one write.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Send the next bytes; waits while the reader is slow.

        Raises:
            OSError: the reader has gone.
        """
        ...

    async def finish(self) -> None:
        """End the streamed response. If the reader has gone this does nothing."""
        ...

    async def fail(self, error: BaseException) -> None:
        """End the streamed response as broken: the error travels in its trailers."""
        ...

    async def wait_disconnect(self) -> None:
        """Return when the reader of a streamed response has gone; it may never return."""
        ...


class NativeHandler(Protocol):
    """A handler that answers through an `Exchange`. A runtime knows one by `serve_invocation`."""

    def start_environment(self) -> None:
        """INIT: whatever must happen once before the first invocation. Raises to fail INIT.

        This and the next two run on the handler's own event loop, one at a time.
        """
        ...

    def serve_invocation(self, event: Any, context: Any, exchange: Exchange) -> None:
        """Serve one invocation.

        Returns when the handler is done, background work included. What it
        raises before it has answered is the invocation's error.
        """
        ...

    def stop_environment(self) -> None:
        """SHUTDOWN: undo `start_environment`."""
        ...

    async def start(self) -> None:
        """As `start_environment`, on the caller's running loop (multi-concurrent mode)."""
        ...

    async def serve(self, event: Any, context: Any, exchange: Exchange) -> None:
        """As `serve_invocation`, on the caller's running loop, many at a time."""
        ...

    async def stop(self) -> None:
        """As `stop_environment`, on the caller's running loop."""
        ...
