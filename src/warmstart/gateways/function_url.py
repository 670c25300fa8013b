"""The Function URL: one function's own front door, buffered or streaming.

`FunctionURL` is an ASGI application, to be served by a real HTTP server. It
reads the whole request (Lambda takes no streamed requests), builds the event,
invokes, and writes out what the function answered:

    mode              the function answered   the client gets
    BUFFERED          {"statusCode": …}       that response
    RESPONSE_STREAM   a prelude and a body    that response, piece by piece
    RESPONSE_STREAM   {"statusCode": …}       the JSON itself, as on AWS
    either            an error                502
    AUTO              either of the first     that response, each in its way

AUTO is ours: a Function URL on AWS is configured for one of the two modes, but
a laptop need not be.
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from warmstart.events import http_v2, prelude
from warmstart.events.errors import MalformedResponse
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse
from warmstart.events.prelude import PreludeParser
from warmstart.invoke import (
    MAX_PAYLOAD,
    InvokeError,
    Invoker,
    InvokeStream,
    StreamBroken,
    TooManyRequests,
)

__all__ = ["Access", "Authorize", "Forbidden", "FunctionURL", "InvokeMode"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# API Gateway's limit on the request line and headers (its quotas page); Lambda
# publishes none of its own for Function URLs.
MAX_HEADERS = 10_240
MAX_BODY = 6 * 1024 * 1024

# Connection-level headers (RFC 9110, section 7.6.1) are the server's business,
# and the length is that of the body that really goes out.
_NOT_FORWARDED = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


class InvokeMode(enum.StrEnum):
    """How a Function URL invokes (AWS's `InvokeMode`), and our AUTO."""

    BUFFERED = "BUFFERED"
    RESPONSE_STREAM = "RESPONSE_STREAM"
    AUTO = "AUTO"


@dataclass(frozen=True, slots=True)
class Access:
    """One answered request, for an access log. `status` is None if its client left."""

    request_id: str
    method: str
    path: str
    status: int | None


class Forbidden(Exception):
    """A request may not reach the function. `error_type` and `message` are AWS's."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


Authorize = Callable[[HTTPRequest], dict[str, Any]]
"""Tells who sent a request, as `requestContext.authorizer.iam` does, or raises `Forbidden`."""


class FunctionURL:
    """The ASGI application in front of one function, or one version or alias of it.

    `url_id` is the first label of the domain that the events tell. With `authorize`
    only those whom it knows get through; that is AWS's `AuthType: AWS_IAM`.
    `observer` is told of each request once its answer is complete.
    """

    def __init__(
        self,
        invoker: Invoker,
        function: str,
        *,
        qualifier: str | None = None,
        mode: InvokeMode = InvokeMode.AUTO,
        region: str = "us-east-1",
        url_id: str | None = None,
        authorize: Authorize | None = None,
        observer: Callable[[Access], None] | None = None,
    ) -> None:
        self._invoker = invoker
        self._function = function
        self._qualifier = qualifier
        self._mode = mode
        self._domain_name = f"{url_id or function.lower()}.lambda-url.{region}.on.aws"
        self._authorize = authorize
        self._observer = observer

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"A Function URL serves HTTP, not {scope['type']!r}.")
        request_id = str(uuid.uuid4())
        reply = _Reply(send, scope["method"] == "HEAD", request_id)
        try:
            await self._answer(scope, receive, reply)
        except _Refused as refusal:
            await reply.whole(refusal.response())
        except Forbidden as error:
            await reply.whole(_forbidden(error))
        except TooManyRequests as error:
            await reply.whole(_error(429, error.error_type, error.message, Reason=error.reason))
        except InvokeError as error:
            await reply.whole(_error(error.status, error.error_type, error.message))
        finally:
            if self._observer is not None:
                path = scope["raw_path"].decode("latin-1")
                self._observer(Access(request_id, scope["method"], path, reply.status))

    async def _answer(self, scope: Message, receive: Receive, reply: _Reply) -> None:
        payload = self._payload(await _read_request(scope, receive), reply.request_id)
        if self._mode is InvokeMode.BUFFERED:
            result = await self._invoker.invoke(
                self._function, payload, qualifier=self._qualifier, request_id=reply.request_id
            )
            await reply.whole(_decode(result.payload, result.function_error))
            return
        stream = await self._invoker.invoke_with_response_stream(
            self._function, payload, qualifier=self._qualifier, request_id=reply.request_id
        )
        if stream.function_error or (self._mode is InvokeMode.AUTO and not stream.streamed):
            body = b"".join([chunk async for chunk in stream])
            await reply.whole(_decode(body, stream.function_error))
        else:
            await _forward(stream, receive, reply)

    def _payload(self, request: HTTPRequest, request_id: str) -> bytes:
        caller = None if self._authorize is None else self._authorize(request)
        now = time.time()
        event = http_v2.build_event(
            request,
            request_id=request_id,
            time=now,
            domain_name=self._domain_name,
            trace_id=f"Root=1-{int(now):08x}-{os.urandom(12).hex()}",
        )
        if caller is not None:
            event["requestContext"]["accountId"] = caller["accountId"]
            event["requestContext"]["authorizer"] = {"iam": caller}
        payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        if len(payload) > MAX_PAYLOAD:
            raise _Refused(413, "RequestEntityTooLargeException", _TOO_LARGE)
        return payload


class _Refused(Exception):
    """The request does not reach the function."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self._error = (status, error_type, message)

    def response(self) -> HTTPResponse:
        return _error(*self._error)


_TOO_LARGE = (
    "Request must be smaller than 6291556 bytes for the InvokeFunction operation; "
    "a binary body counts as base64."
)


class _Reply:
    """Writes one response. `status` is what the client got, None before that."""

    def __init__(self, send: Send, head: bool, request_id: str) -> None:
        self._send = send
        self._head = head
        self.request_id = request_id
        self.status: int | None = None

    async def whole(self, response: HTTPResponse) -> None:
        body = response.body
        headers = [pair for pair in response.headers if pair[0] not in _NOT_FORWARDED]
        if not self._head and response.status not in (204, 304):
            headers = [pair for pair in headers if pair[0] != b"content-length"]
            headers.append((b"content-length", b"%d" % len(body)))
        await self._start(response.status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, response: HTTPResponse) -> None:
        await self._start(
            response.status, [pair for pair in response.headers if pair[0] not in _NOT_FORWARDED]
        )

    async def piece(self, data: bytes, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _start(self, status: int, headers: Headers) -> None:
        self.status = status
        headers.append((b"x-amzn-requestid", self.request_id.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


async def _read_request(scope: Message, receive: Receive) -> HTTPRequest:
    """The request with its whole body, refused where it is larger than Lambda takes."""
    headers: Headers = scope["headers"]
    size = len(scope["raw_path"]) + len(scope["query_string"])
    size += sum(len(name) + len(value) + 4 for name, value in headers)
    if size > MAX_HEADERS:
        raise _Refused(
            431,
            "RequestHeaderFieldsTooLargeException",
            f"The request line and headers take {size} bytes; at most {MAX_HEADERS} are allowed.",
        )
    body = b""
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "ClientDisconnected", "The client left before its request ended.")
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > MAX_BODY:
            raise _Refused(413, "RequestEntityTooLargeException", _TOO_LARGE)
        if not message.get("more_body", False):
            body = b"".join([*chunks, chunk]) if chunks else chunk
            break
        chunks.append(chunk)
    return HTTPRequest(
        method=scope["method"],
        path=scope["path"],
        raw_path=scope["raw_path"],
        query_string=scope["query_string"],
        headers=headers,
        body=body,
        scheme=scope["scheme"],
        http_version=scope["http_version"],
        client=tuple(scope["client"]) if scope.get("client") else None,
        server=tuple(scope["server"]) if scope.get("server") else None,
    )


def _decode(payload: bytes, function_error: str | None) -> HTTPResponse:
    """What a Function URL makes of a buffered answer."""
    if function_error is not None:
        return _internal_error()
    try:
        return http_v2.decode_response(json.loads(payload))
    except (MalformedResponse, ValueError):
        return _internal_error()


def _internal_error() -> HTTPResponse:
    headers = [(b"content-type", b"application/json")]
    return HTTPResponse(502, headers, b"Internal Server Error")


def _error(status: int, error_type: str, message: str, **members: str) -> HTTPResponse:
    return _json_error(status, error_type, {**members, "Message": message})


def _json_error(status: int, error_type: str, members: dict[str, str]) -> HTTPResponse:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-amzn-errortype", error_type.encode()),
    ]
    return HTTPResponse(status, headers, json.dumps(members).encode())


def _forbidden(error: Forbidden) -> HTTPResponse:
    # What judges the signature is not what judges the permissions, and spells its member otherwise.
    member = "Message" if error.error_type == "AccessDeniedException" else "message"
    return _json_error(403, error.error_type, {member: error.message})


async def _forward(stream: InvokeStream, receive: Receive, reply: _Reply) -> None:
    """Pass a streamed answer on; end it for both sides when either side ends it."""
    parser = PreludeParser() if stream.content_type == prelude.CONTENT_TYPE else None
    watcher: asyncio.Task[None] | None = None
    try:
        async for data in stream:
            piece = data
            if watcher is None:
                response = parser.feed(data) if parser else _verbatim(stream, data)
                if response is None:
                    continue
                piece = response.body
                await reply.start(response)
                watcher = asyncio.create_task(_close_with_client(receive, stream))
            if piece:
                await reply.piece(piece, True)
        if watcher is None:
            raise MalformedResponse("response", "ended before it began")
        await reply.piece(b"", False)
    except (StreamBroken, MalformedResponse):
        await stream.aclose()
        if reply.status is None:
            await reply.whole(_internal_error())
        # Else the status line is out. To return without the last piece makes
        # the server close the connection, which is how HTTP says "cut short".
    finally:
        if watcher is not None:
            watcher.cancel()


def _verbatim(stream: InvokeStream, data: bytes) -> HTTPResponse:
    """A stream without a prelude, as a Function URL passes it on."""
    return HTTPResponse(200, [(b"content-type", stream.content_type.encode("latin-1"))], data)


async def _close_with_client(receive: Receive, stream: InvokeStream) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    await stream.aclose()
