"""The Runtime API of one environment, as an ASGI application.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

Statuses, bodies and the order of the checks are those of AWS's own runtime
interface emulator: first the request id (400), then the state (403), then the
response mode (400). The state moves before the body is read.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from warmstart.invoke import MAX_PAYLOAD
from warmstart.service import errors
from warmstart.service.endpoints.answers import (
    JSON,
    Headers,
    Receive,
    Scope,
    Send,
    Truncated,
    accept,
    answer,
    header,
    not_allowed,
    not_found,
    pieces,
    refuse,
    wait_disconnect,
    whole_body,
)
from warmstart.service.endpoints.endpoint import HEADER_COUNT
from warmstart.service.environments.environment import Refusal
from warmstart.service.errors import Failure, PostedError, valid_error_type
from warmstart.service.invocation import Invocation
from warmstart.service.stream import ReaderGone, Sink, TooLarge

__all__ = ["Runtime", "RuntimeAPI"]

_Handler = Callable[[str, Scope, Receive, Send], Awaitable[None]]

_ROOT = "/2018-06-01"
_RUNTIME = f"{_ROOT}/runtime"
_NEXT = f"{_RUNTIME}/invocation/next"
_INVOCATION = f"{_RUNTIME}/invocation/"
_ERROR_CAUSE = b"application/vnd.aws.lambda.error.cause+json"


class Runtime(Protocol):
    """The environment whose API this is."""

    def deadline_ms(self, request_id: str) -> int: ...
    async def next(self) -> Invocation[Any] | None: ...
    def begin_response(self, request_id: str) -> None: ...
    def begin_error(self, request_id: str) -> None: ...
    def respond(self, request_id: str, payload: bytes, content_type: str) -> None: ...
    def fail(self, request_id: str, failure: Failure) -> None: ...
    def begin_stream(self, request_id: str, content_type: str) -> Sink: ...
    def end_response(self, request_id: str, failure: Failure | None) -> None: ...
    def truncated(self, request_id: str) -> None: ...
    def begin_init_error(self) -> None: ...
    def init_error(self, failure: Failure) -> None: ...
    def restore_next(self) -> None: ...
    def begin_restore_error(self) -> None: ...


class RuntimeAPI:
    """Answers the runtime of one environment; `restores` if it is one of a snapshot."""

    def __init__(self, runtime: Runtime, *, restores: bool = False) -> None:
        self._runtime = runtime
        self._others: dict[str, tuple[str, _Handler]] = {
            f"{_RUNTIME}/init/error": ("POST", self._init_error),
            f"{_ROOT}/ping": ("GET", self._ping),
        }
        if restores:
            self._others[f"{_RUNTIME}/restore/next"] = ("GET", self._restore_next)
            self._others[f"{_RUNTIME}/restore/error"] = ("POST", self._restore_error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path: str = scope["path"]
        method, handler, request_id = self._route(path)
        if handler is None:
            await not_found(send)
        elif scope["method"] != method:
            await not_allowed(send, method)
        else:
            try:
                await handler(request_id, scope, receive, send)
            except Refusal as refusal:
                await refuse(send, refusal)

    def _route(self, path: str) -> tuple[str, _Handler | None, str]:
        if path == _NEXT:
            return "GET", self._next, ""
        if path.startswith(_INVOCATION):
            request_id, _, what = path[len(_INVOCATION) :].partition("/")
            if what == "response":
                return "POST", self._response, request_id
            if what == "error":
                return "POST", self._error, request_id
        return *self._others.get(path, ("", None)), ""

    async def _ping(self, _: str, scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, 200, b"pong", b"text/plain; charset=utf-8")

    async def _next(self, _: str, scope: Scope, receive: Receive, send: Send) -> None:
        invocation = await self._runtime.next()
        if invocation is None:
            await wait_disconnect(receive)
            return
        payload = invocation.payload
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(payload)),
            (b"lambda-runtime-aws-request-id", invocation.request_id.encode()),
            (
                b"lambda-runtime-deadline-ms",
                b"%d" % self._runtime.deadline_ms(invocation.request_id),
            ),
            (b"lambda-runtime-invoked-function-arn", invocation.arn.encode()),
            (b"lambda-runtime-trace-id", invocation.trace_id.encode()),
        ]
        if invocation.client_context is not None:
            headers.append((b"lambda-runtime-client-context", invocation.client_context.encode()))
        if invocation.tenant_id is not None:
            headers.append((b"lambda-runtime-aws-tenant-id", invocation.tenant_id.encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": payload})

    async def _response(self, request_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.begin_response(request_id)
        headers: Headers = scope["headers"]
        content_type = header(headers, b"content-type")
        mode = header(headers, b"lambda-runtime-function-response-mode")
        if mode is None:
            content_type = content_type or b"application/json"
            await self._whole_response(request_id, content_type.decode("latin-1"), receive, send)
        elif mode == b"streaming":
            content_type = content_type or b"application/octet-stream"
            await self._streamed_response(
                request_id, content_type.decode("latin-1"), scope, receive, send
            )
        else:
            raise Refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")

    async def _whole_response(
        self, request_id: str, content_type: str, receive: Receive, send: Send
    ) -> None:
        body = await self._body(request_id, receive, send)
        if body is not None:
            self._runtime.respond(request_id, body, content_type)
            await accept(send)

    async def _streamed_response(
        self, request_id: str, content_type: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass a response on as it comes. Its trailers, if any, say how it failed.

        The trailers are found where the server puts them: behind the headers, once
        the body is read.
        """
        sink = self._runtime.begin_stream(request_id, content_type)
        farewell = Farewell(send)
        sink.on_reader_gone(farewell.say)
        try:
            async for data in pieces(receive):
                await sink.write(data)
        except Truncated:
            if not farewell.said:
                self._runtime.truncated(request_id)
                return
        except TooLarge:
            await self._too_large(request_id, send)
            return
        except ReaderGone:
            farewell.say()
        if farewell.said:
            self._runtime.end_response(request_id, None)
            await farewell.wait_said()
            return
        self._end_stream(request_id, sink, scope["headers"][scope[HEADER_COUNT] :])
        await accept(send)

    def _end_stream(self, request_id: str, sink: Sink, trailers: Headers) -> None:
        error_type = header(trailers, b"lambda-runtime-function-error-type")
        if error_type is None:
            sink.end()
            self._runtime.end_response(request_id, None)
            return
        name = error_type.decode("latin-1")
        body = _decoded(header(trailers, b"lambda-runtime-function-error-body") or b"")
        sink.fail(name, body)
        self._runtime.end_response(request_id, PostedError(valid_error_type(name), body))

    async def _error(self, request_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.begin_error(request_id)
        body = await self._body(request_id, receive, send)
        if body is not None:
            self._runtime.fail(request_id, _posted_error(scope["headers"], body))
            await accept(send)

    async def _init_error(self, _: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.begin_init_error()
        await self._environment_error(scope, receive, send)

    async def _restore_next(self, _: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.restore_next()
        await answer(send, 200, b"", JSON)

    async def _restore_error(self, _: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime.begin_restore_error()
        await self._environment_error(scope, receive, send)

    async def _environment_error(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await whole_body(receive)
        except Truncated:
            return
        self._runtime.init_error(_posted_error(scope["headers"], body))
        await accept(send)

    async def _body(self, request_id: str, receive: Receive, send: Send) -> bytes | None:
        """The whole body of a response. `None` if it was not taken, which is then dealt with."""
        body = bytearray()
        try:
            async for data in pieces(receive):
                body += data
                if len(body) > MAX_PAYLOAD:
                    await self._too_large(request_id, send)
                    return None
        except Truncated:
            self._runtime.truncated(request_id)
            return None
        return bytes(body)

    async def _too_large(self, request_id: str, send: Send) -> None:
        """The caller gets an error, the runtime may go on; the rest of the body is dropped."""
        self._runtime.fail(request_id, errors.response_too_large())
        await refuse(
            send,
            Refusal(
                413,
                "RequestEntityTooLarge",
                f"Exceeded maximum allowed payload size ({MAX_PAYLOAD} bytes).",
            ),
        )


class Farewell:
    """Tells a runtime that streams that nobody reads: its POST is answered early, and closed.

    The runtime sees it as a failing write, or as something to read on a socket
    on which it expected nothing yet.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None

    @property
    def said(self) -> bool:
        return self._task is not None

    def say(self) -> None:
        """Answer now, while another coroutine may be waiting for the rest of the body."""
        if self._task is None:
            self._task = asyncio.ensure_future(accept(self._send, [(b"connection", b"close")]))

    async def wait_said(self) -> None:
        assert self._task is not None
        await self._task


def _posted_error(headers: Headers, body: bytes) -> PostedError:
    error_type = header(headers, b"lambda-runtime-function-error-type") or b""
    if header(headers, b"content-type") == _ERROR_CAUSE:
        body = _without_cause(body)
    return PostedError(valid_error_type(error_type.decode("latin-1")), body)


def _without_cause(body: bytes) -> bytes:
    """The cause is for X-Ray; the caller gets the rest."""
    try:
        error = json.loads(body)
        return json.dumps(
            {key: error[key] for key in ("errorMessage", "errorType", "stackTrace") if key in error}
        ).encode()
    except (ValueError, TypeError):
        return b"Invalid error body"


def _decoded(trailer: bytes) -> bytes:
    try:
        return b64decode(trailer, validate=True)
    except Base64Error:
        return trailer
