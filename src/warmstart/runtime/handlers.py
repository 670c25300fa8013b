"""Plain handlers: a function of the event and the context, of whatever kind.

`def` and `async def` answer with their result. Generators of both kinds stream
what they yield: bytes as they are, text as UTF-8, anything else as JSON. If the
first thing is an object with a `statusCode`, it becomes the status and the
headers of an HTTP response; behind a front door that takes no stream the pieces
are then put together to an ordinary response.
"""

from __future__ import annotations

from warmstart.runtime.exchange import ReaderGone
from warmstart.runtime.faults import HandlerNotFound
from warmstart.runtime.loader import code_of, load, split
from warmstart.runtime.pieces import as_bytes, http_head, opening, whole_response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from typing import Any

    from warmstart.runtime.concurrent_exchange import ConcurrentExchange
    from warmstart.runtime.exchange import BlockingExchange

__all__ = ["PlainHandler", "find_handler"]

_WHOLE = frozenset((dict, list, str, type(None)))  # nearly all results, known without a search
_COROUTINE, _ASYNC_GENERATOR = 0x80, 0x200  # of `co_flags`, as `inspect` names them


def find_handler(name: str, adapt: Callable[[Any], Any]) -> Any:
    """Import the handler that `name` stands for, as one that answers through an exchange."""
    found = adapt(load(name))
    if hasattr(found, "serve_invocation"):
        return found
    if not callable(found):
        module_name, path = split(name)
        raise HandlerNotFound(f"Handler '{path}' on module '{module_name}' is not callable")
    return PlainHandler(found)


class PlainHandler:
    """Serves invocations with `function`."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function
        self._runner: Runner | None = None

    def start_environment(self) -> None:
        """Nothing has to happen before the first invocation."""

    def serve_invocation(self, event: Any, context: Any, exchange: BlockingExchange) -> None:
        """Call the function and answer with what it returns or yields."""
        result = self.function(event, context)
        if type(result) in _WHOLE:
            exchange.respond_now(result)
            return
        if hasattr(type(result), "__await__"):
            result = self._run(result)
        if hasattr(type(result), "__next__"):
            _stream(result, exchange)
        elif hasattr(type(result), "__anext__"):
            self._run(_stream_async(result, exchange))
        else:
            exchange.respond_now(result)

    def stop_environment(self) -> None:
        """Cancel what still runs on the event loop and close it."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    async def start(self) -> None:
        """Nothing has to happen before the first invocation."""

    async def serve(self, event: Any, context: Any, exchange: ConcurrentExchange) -> None:
        """As `serve_invocation`, among others: a function that may block gets a thread."""
        if self._is_async():
            result = self.function(event, context)
        else:
            result = await _in_thread(lambda: self.function(event, context))
        if hasattr(type(result), "__await__"):
            result = await result
        if hasattr(type(result), "__next__"):
            await _stream_async(_pieces_from_thread(result), exchange)
        elif hasattr(type(result), "__anext__"):
            await _stream_async(result, exchange)
        else:
            await exchange.post(result)

    async def stop(self) -> None:
        """Nothing has to be undone."""

    def _is_async(self) -> bool:
        code = code_of(self.function)
        return code is not None and bool(code.co_flags & (_COROUTINE | _ASYNC_GENERATOR))

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner.get_loop().run_until_complete(coroutine)


def _stream(pieces: Generator[Any, None, None], exchange: BlockingExchange) -> None:
    try:
        first = next(pieces, b"")
        head = http_head(first)
        if head is not None and not exchange.streaming:
            exchange.respond_now(whole_response(head, [as_bytes(piece) for piece in pieces]))
            return
        content_type, data = opening(first, head)
        exchange.start_stream_now(content_type, data)
        for piece in pieces:
            exchange.write_now(as_bytes(piece))
        exchange.finish_now()
    except ReaderGone:
        pass  # the generator is told by being closed
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


async def _stream_async(
    pieces: AsyncGenerator[Any, None], exchange: BlockingExchange | ConcurrentExchange
) -> None:
    try:
        first = await anext(pieces, b"")
        head = http_head(first)
        if head is not None and not exchange.streaming:
            body = [as_bytes(piece) async for piece in pieces]
            await exchange.post(whole_response(head, body))
            return
        await exchange.start_stream(*opening(first, head))
        async for piece in pieces:
            await exchange.write(as_bytes(piece))
        await exchange.finish()
    except ReaderGone:
        pass
    finally:
        if hasattr(pieces, "aclose"):
            await pieces.aclose()


async def _pieces_from_thread(pieces: Generator[Any, None, None]) -> AsyncGenerator[Any, None]:
    """What a generator yields, each piece made in a thread."""
    end = object()
    try:
        while (piece := await _in_thread(lambda: next(pieces, end))) is not end:
            yield piece
    finally:
        if hasattr(pieces, "close"):
            await _in_thread(pieces.close)


async def _in_thread(call: Callable[[], Any]) -> Any:
    import asyncio

    def outcome() -> tuple[Any, BaseException | None]:
        # A future cannot carry StopIteration, and a task that is handed a
        # GeneratorExit closes itself. So they come back as values.
        try:
            return call(), None
        except BaseException as error:  # noqa: BLE001 - raised again where it belongs
            return None, error

    result, error = await asyncio.to_thread(outcome)
    if error is not None:
        raise error
    return result
