"""Invoke, InvokeWithResponseStream and InvokeAsync: the calls that run functions.

They are asked for more often than all others together and their bodies are the
function's own bytes, so they go without the machinery of the rest: no model is
consulted unless a request looks odd, and then only to say what is wrong with it.

An answer in one piece goes out as it comes. A streamed one goes out as messages of
an event stream, each as the function produces it: a reader that is slow slows the
function down, and one that leaves ends the stream.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from warmstart.invoke import (
    InvokeError,
    Invoker,
    InvokeResult,
    InvokeStream,
    StreamBroken,
    TooManyRequests,
)
from warmstart.service.api import event_stream
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Receive, Request, Response, Send, start
from warmstart.service.api.model import service_model
from warmstart.service.api.validation import validate
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.control.names import function_name
from warmstart.service.invocation import new_trace_id

__all__ = ["AsyncInvocations", "Functions", "Invocation", "Invocations"]

_logger = logging.getLogger(__name__)

MAX_CLIENT_CONTEXT = 3583
"""Largest client context, in bytes of base64."""


class Functions(Invoker, Protocol):
    """What runs functions, and knows which there are."""

    def check(self, name: str, qualifier: str | None = None) -> None:
        """Raises `ResourceNotFound` if an invocation would find nothing to run."""
        ...


class AsyncInvocations(Protocol):
    """What keeps events until their functions have had them."""

    async def enqueue(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        tenant_id: str | None = None,
    ) -> None:
        """Return once the event can no longer be lost."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call: which operation, and the function as the path names it."""

    operation: str
    function: str


class Invocations:
    """Performs the calls over what runs functions and what keeps events."""

    def __init__(
        self,
        functions: Functions,
        asynchronous: AsyncInvocations,
        arns: Arns,
        clock: Clock | None = None,
    ) -> None:
        self._functions = functions
        self._asynchronous = asynchronous
        self._arns = arns
        self._clock = clock or Clock()

    def match(self, request: Request) -> Invocation | None:
        """The call that a request is, if it is one of these."""
        match = _PATH.fullmatch(request.path)
        if match is None or request.method != "POST":
            return None
        operation = _OPERATIONS.get((match[1], match[3]))
        return Invocation(operation, unquote(match[2])) if operation else None

    async def perform(
        self,
        invocation: Invocation,
        request: Request,
        request_id: str,
        receive: Receive,
        send: Send,
    ) -> Response | None:
        """Run the function, or have it run. `None` if the response is on its way already.

        Raises:
            ApiError: the request is refused.
        """
        call = self._call(invocation, request, request_id)
        try:
            if call.kind == "DryRun":
                self._functions.check(call.function, call.qualifier)
                return Response(204, _headers(call))
            if call.kind == "Event":
                return await self._enqueue(call)
            if invocation.operation == "Invoke":
                return _whole(call, await self._functions.invoke(*call.target, **call.details))
            stream = await self._functions.invoke_with_response_stream(*call.target, **call.details)
        except InvokeError as error:
            raise _refusal(error) from error
        await _Streaming(stream, call, receive, send).run()
        return None

    async def _enqueue(self, call: _Call) -> Response:
        self._functions.check(call.function, call.qualifier)
        await self._asynchronous.enqueue(
            call.function,
            call.qualifier,
            call.payload,
            request_id=call.request_id,
            trace_id=call.trace_id,
            tenant_id=call.tenant_id,
        )  # the client context goes with synchronous invocations alone
        return Response(202, _headers(call))

    def _call(self, invocation: Invocation, request: Request, request_id: str) -> _Call:
        members = _members(invocation, request)
        name = function_name(self._arns, members["FunctionName"], members.get("Qualifier"))
        trace_id = request.headers.get("x-amzn-trace-id")
        kind = members.get("InvocationType", "RequestResponse")
        return _Call(
            name.name,
            name.qualifier,
            _event(request.body),
            request_id,
            trace_id or new_trace_id(self._clock.time()),
            _client_context(members.get("ClientContext")),
            members.get("TenantId"),
            members.get("LogType") == "Tail",
            "Event" if invocation.operation == "InvokeAsync" else kind,
        )


_PATH = re.compile(r"/([0-9-]+)/functions/([^/]+)/([a-z-]+)/?")
_OPERATIONS = {
    ("2015-03-31", "invocations"): "Invoke",
    ("2021-11-15", "response-streaming-invocations"): "InvokeWithResponseStream",
    ("2014-11-13", "invoke-async"): "InvokeAsync",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as it was read from a request."""

    function: str
    qualifier: str | None
    payload: bytes
    request_id: str
    trace_id: str
    client_context: str | None
    tenant_id: str | None
    log_tail: bool
    kind: str

    @property
    def target(self) -> tuple[str, bytes]:
        return self.function, self.payload

    @property
    def details(self) -> dict[str, Any]:
        return {
            "qualifier": self.qualifier,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "client_context": self.client_context,
            "tenant_id": self.tenant_id,
            "log_tail": self.log_tail,
        }


# Reading a request


_HEADERS = {
    "x-amz-invocation-type": "InvocationType",
    "x-amz-log-type": "LogType",
    "x-amz-client-context": "ClientContext",
    "x-amz-tenant-id": "TenantId",
    "x-amz-durable-execution-name": "DurableExecutionName",
}
_PLAIN_NAME = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def _members(invocation: Invocation, request: Request) -> dict[str, str]:
    """The members of the operation's input besides the payload, held to the model."""
    members = {
        member: request.headers[header]
        for header, member in _HEADERS.items()
        if header in request.headers
    }
    for parameter, value in parse_qsl(request.query_string, keep_blank_values=True):
        if parameter == "Qualifier":
            members[parameter] = value
    plain = not members and _PLAIN_NAME.fullmatch(invocation.function)
    members["FunctionName"] = invocation.function
    if not plain:
        shape = service_model("lambda").operation_model(invocation.operation).input_shape
        validate(shape, members | {"InvokeArgs": request.body})
        if "DurableExecutionName" in members:
            message = "A durable execution needs a durable function, and there is none here."
            raise ApiError("InvalidParameterValueException", message)
    return members


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


# Only tells whether a text is JSON, so numbers are left as they are written.
_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _event(body: bytes) -> bytes:
    """The event that a function gets; a call without one brings an empty one."""
    if not body:
        return b"{}"
    try:
        _JSON.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise ApiError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from None
    return body


def _client_context(encoded: str | None) -> str | None:
    if encoded is None:
        return None
    if len(encoded) > MAX_CLIENT_CONTEXT:
        raise ApiError(
            "InvalidRequestContentException",
            f"Client context must have at most {MAX_CLIENT_CONTEXT} bytes of base64, "
            f"and this one has {len(encoded)}.",
        )
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        raise ApiError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None


# Writing a response


def _refusal(error: InvokeError) -> ApiError:
    members = {}
    if isinstance(error, TooManyRequests):
        members = {"Reason": error.reason, "retryAfterSeconds": "1"}
    return ApiError(error.error_type, error.message, **members)


def _headers(call: _Call) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Amzn-Remapped-Content-Length": "0",
        "X-Amzn-Trace-Id": call.trace_id,
    }


def _whole(call: _Call, result: InvokeResult) -> Response:
    headers = _headers(call)
    headers["X-Amz-Executed-Version"] = result.executed_version
    if result.function_error is not None:
        headers["X-Amz-Function-Error"] = result.function_error
    if result.log_tail is not None:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail).decode()
    return Response(200, headers, result.payload)


class _Streaming:
    """A streamed response on its way to a client."""

    def __init__(self, stream: InvokeStream, call: _Call, receive: Receive, send: Send) -> None:
        self._stream = stream
        self._call = call
        self._receive = receive
        self._send = send

    async def run(self) -> None:
        headers = _headers(self._call) | {
            "Content-Type": event_stream.CONTENT_TYPE,
            "X-Amz-Executed-Version": self._stream.executed_version,
        }
        watcher = asyncio.create_task(self._close_with_client())
        try:
            await start(self._send, 200, headers, self._call.request_id)
            await self._piece(await self._body(), more=False)
        except Exception:
            # The status is out. To return without the last piece makes the server close
            # the connection, which is how HTTP says "cut short".
            _logger.exception("Request %s was cut short", self._call.request_id)
            await self._stream.aclose()
        finally:
            watcher.cancel()

    async def _body(self) -> bytes:
        """Send all chunks; returns the message that ends the stream."""
        stream = self._stream
        try:
            if stream.function_error is not None:
                details = b"".join([chunk async for chunk in stream])
                return self._end(stream.function_error, details)
            async for chunk in stream:
                await self._piece(event_stream.payload_chunk(chunk), more=True)
        except StreamBroken as broken:
            return self._end("Unhandled", broken.payload)
        return self._end()

    def _end(self, error: str | None = None, details: bytes | None = None) -> bytes:
        tail = self._stream.log_tail
        return event_stream.invoke_complete(
            error,
            None if details is None else details.decode(errors="replace"),
            None if tail is None else base64.b64encode(tail).decode(),
        )

    async def _piece(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _close_with_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        await self._stream.aclose()
