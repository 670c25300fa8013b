"""WSGI apps on Lambda: Flask, classic Django, and any other.

`WSGIHandler` is an `ASGIHandler` whose app is a bridge. a2wsgi carries the
request to a thread and the response back; the bridge here settles the rest:

- The event's whole body is there already, so `wsgi.input` is a plain file.
- `SCRIPT_NAME` and `PATH_INFO` are the bytes of the request's path, divided at
  `root_path`. The scope's `path` would have lost those that are not UTF-8.
- `start_response` is passed on with the first bytes of the body, as PEP 3333 has
  it: until then an app may replace its status and headers by an error's.
- A thread cannot be cancelled. When the deadline comes, or the client goes, what
  the app still sends is dropped and its next step raises, so that the thread
  ends. The next request does not wait for it: it gets a new thread.

One thread serves request after request, so what apps keep per thread (Django its
database connections) is kept. Where one environment serves many requests at a
time (`AWS_LAMBDA_MAX_CONCURRENCY`), as many threads do.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from warmstart.adapter.asgi import Message, Receive, Scope, Send
from warmstart.adapter.handler import ASGIHandler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeAlias
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo: TypeAlias = (
        tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    )

__all__ = ["A2WSGIMissing", "WSGIHandler"]

logger = logging.getLogger("warmstart")


class A2WSGIMissing(RuntimeError):
    """a2wsgi is needed to serve WSGI apps, and is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "WSGI apps are served by way of a2wsgi, which is not installed: "
            "pip install 'warmstart[wsgi]'."
        )


class WSGIHandler(ASGIHandler):
    """A Lambda handler that serves a WSGI application.

        handler = WSGIHandler(app)

    Args:
        app: The WSGI application.
        options: As `ASGIHandler`'s. A WSGI app has no lifespan, so those about it
            make no difference.

    Raises:
        A2WSGIMissing: the extra `warmstart[wsgi]` is not installed.
    """

    def __init__(self, app: WSGIApplication, **options: Any) -> None:
        if not callable(app):
            raise TypeError(f"WSGIHandler wants a WSGI application, got {app!r}.")
        super().__init__(_Bridge(app, _concurrency()), **{"lifespan": "off", **options})


def _concurrency() -> int:
    given = os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "")
    return max(1, int(given)) if given.isdigit() else 1


class _Bridge:
    """The ASGI app."""

    def __init__(self, app: WSGIApplication, threads: int) -> None:
        self._app = app
        self._threads = threads
        self._middleware = self._make_middleware()

    def _make_middleware(self) -> Any:
        try:
            from a2wsgi import WSGIMiddleware
        except ModuleNotFoundError as error:
            raise A2WSGIMissing from error
        serve: Any = self._serve  # a2wsgi has types of its own for what wsgiref has types for
        return WSGIMiddleware(serve, workers=self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._middleware(scope, receive, send)
            return
        request = _Request(scope, await _read_body(receive), send)
        task = asyncio.create_task(self._middleware(request.bridged_scope(), receive, request.send))
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            request.give_up(_GivenUp("The request was cancelled."))
            task.add_done_callback(_log_late_failure)
            self._middleware = self._make_middleware()
            raise
        task.result()
        if request.given_up is not None:
            raise request.given_up

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        """What a2wsgi takes for the WSGI app."""
        request: _Request = environ["asgi.scope"][_REQUEST]
        request.complete(environ)
        return _Response(request, start_response).stream(self._app, environ)


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def _log_late_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, _GivenUp):
        logger.error("The app failed after its request was cancelled.", exc_info=error)


class _GivenUp(Exception):
    """Nobody waits for the response any more."""


_REQUEST = "warmstart.wsgi"


class _Request:
    """One request on its way into the thread, and the messages on their way back.

    `given_up` is why nobody takes the response any more. It is set on the loop
    and seen by the thread before its next step.
    """

    def __init__(self, scope: Scope, body: bytes, send: Send) -> None:
        self.given_up: Exception | None = None
        self._scope = scope
        self._body = body
        self._send = send
        self._sender: asyncio.Task[Any] | None = None

    def bridged_scope(self) -> Scope:
        """The scope for a2wsgi, which takes no query but ASCII.

        Without headers that have an underscore in their names: in WSGI they could
        not be told from those that a front door writes with a hyphen.
        """
        return {
            **self._scope,
            "query_string": b"",
            "headers": [pair for pair in self._scope["headers"] if b"_" not in pair[0]],
            _REQUEST: self,
        }

    def complete(self, environ: WSGIEnvironment) -> None:
        """Set in `environ` what a2wsgi does not know, or gets wrong."""
        scope = self._scope
        root = scope["root_path"].encode()
        path = unquote_to_bytes(scope["raw_path"])
        environ.update(
            {
                "asgi.scope": scope,
                "aws.event": scope["aws.event"],
                "aws.context": scope["aws.context"],
                "SCRIPT_NAME": root.decode("latin-1"),
                "PATH_INFO": path.removeprefix(root).decode("latin-1"),
                "QUERY_STRING": scope["query_string"].decode("latin-1"),
                "wsgi.input": io.BytesIO(self._body),
                "wsgi.input_terminated": True,
            }
        )
        if self._body or "CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = str(len(self._body))

    async def send(self, message: Message) -> None:
        """Pass a message on, or drop it. a2wsgi would wait for ever if this raised."""
        if self.given_up is not None:
            return
        self._sender = asyncio.current_task()
        try:
            await self._send(message)
        except asyncio.CancelledError:
            if self.given_up is None:
                raise
        except Exception as error:  # noqa: BLE001 - raised where the app is served
            self.given_up = error
        finally:
            self._sender = None

    def give_up(self, reason: Exception) -> None:
        self.given_up = reason
        if self._sender is not None:
            self._sender.cancel()  # it waits for a slow reader


class _Response:
    """PEP 3333's side of one response, in the thread."""

    def __init__(self, request: _Request, start_response: StartResponse) -> None:
        self._request = request
        self._start_response = start_response
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._write: Callable[[bytes], object] | None = None

    def stream(self, app: WSGIApplication, environ: WSGIEnvironment) -> Iterator[bytes]:
        chunks = app(environ, self.start)
        try:
            for chunk in chunks:
                if chunk:
                    self._send_head()
                    yield chunk
            self._send_head()
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """The app's `start_response`."""
        if self._head is not None and exc_info is None:
            raise RuntimeError("The app called start_response again, without exc_info.")
        if self._write is not None and exc_info is not None and exc_info[1] is not None:
            raise exc_info[1].with_traceback(exc_info[2])
        # a2wsgi wants the space that follows the status's number.
        self._head = (status if " " in status else f"{status} ", headers)
        return self.write

    def write(self, data: bytes) -> None:
        """What `start_response` returns, for apps that do not return their body."""
        self._send_head()(data)

    def _send_head(self) -> Callable[[bytes], object]:
        if self._request.given_up is not None:
            raise self._request.given_up
        if self._head is None:
            raise RuntimeError("The app returned without calling start_response.")
        if self._write is None:
            self._write = self._start_response(*self._head)
        return self._write
