"""Plain handlers: a function of the event and the context, of whatever kind.

`def` and `async def` answer with their result. Generators, of both kinds, stream
what they yield: bytes as they are, text as UTF-8, anything else as JSON. If the
first thing is an object with a `statusCode` it becomes the status and the headers
of an HTTP response; behind a front door that takes no streams the pieces are
then collected into an ordinary response.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from typing import Any

    from warmstart.runtime.exchange import BlockingExchange

__all__ = ["PlainHandler"]


class PlainHandler:
    """Serves invocations with `function`, one at a time."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function
        self._loop: AbstractEventLoop | None = None

    def start_environment(self) -> None:
        """Nothing to do."""

    def serve_invocation(self, event: Any, context: Any, exchange: BlockingExchange) -> None:
        """Call the function and answer with what it returns."""
        result = self.function(event, context)
        kind = type(result)
        if kind is dict or kind is str or result is None:
            exchange.respond_now(result)
        elif hasattr(kind, "__await__"):
            exchange.respond_now(self._run(result))
        else:
            exchange.respond_now(result)

    def stop_environment(self) -> None:
        """Close the event loop that coroutines ran on."""
        if self._loop is not None:
            self._loop.close()
            self._loop = None

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(coroutine)
