"""Invoke, InvokeWithResponseStream and InvokeAsync: the calls that run functions.

Their bodies are the function's own bytes, so they go past the protocol of the rest.
An answer in one piece goes out as it comes. A streamed one goes out as messages of
an event stream, each as the function produces it: a reader that is slow slows the
function down, and one that leaves ends the stream.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Protocol

from warmstart.invoke import (
    InvokeError,
    InvokeResult,
    InvokeStream,
    StreamBroken,
    TooManyRequests,
)
from warmstart.service.api import calls, event_stream
from warmstart.service.api.calls import Call, Invocation
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Receive, Request, Response, Send, start
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.functions import Functions
from warmstart.service.invocation import new_trace_id

__all__ = ["AsyncInvocations", "Invocations"]

_logger = logging.getLogger(__name__)


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
        return calls.match(request)

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
        call = calls.read(invocation, request, self._arns)
        trace_id = call.trace_id or new_trace_id(self._clock.time())
        headers = {
            "Content-Type": "application/json",
            "X-Amzn-Remapped-Content-Length": "0",
            "X-Amzn-Trace-Id": trace_id,
        }
        try:
            if call.kind == "DryRun":
                self._functions.check(call.function, call.qualifier)
                return Response(204, headers)
            if call.kind == "Event":
                await self._enqueue(call, request_id, trace_id)
                return Response(202, headers)
            if invocation.operation == "Invoke":
                result = await self._invoke(call, request_id, trace_id)
                return Response(200, headers | _headers(result), result.payload)
            stream = await self._stream(call, request_id, trace_id)
        except InvokeError as error:
            raise _refusal(error) from error
        await _Streaming(stream, receive, send).run(headers, request_id)
        return None

    async def _enqueue(self, call: Call, request_id: str, trace_id: str) -> None:
        self._functions.check(call.function, call.qualifier)
        await self._asynchronous.enqueue(
            call.function,
            call.qualifier,
            call.payload,
            request_id=request_id,
            trace_id=trace_id,
            tenant_id=call.tenant_id,
        )  # the client context goes with synchronous invocations alone

    async def _invoke(self, call: Call, request_id: str, trace_id: str) -> InvokeResult:
        return await self._functions.invoke(
            call.function,
            call.payload,
            qualifier=call.qualifier,
            request_id=request_id,
            trace_id=trace_id,
            client_context=call.client_context,
            tenant_id=call.tenant_id,
            log_tail=call.log_tail,
        )

    async def _stream(self, call: Call, request_id: str, trace_id: str) -> InvokeStream:
        return await self._functions.invoke_with_response_stream(
            call.function,
            call.payload,
            qualifier=call.qualifier,
            request_id=request_id,
            trace_id=trace_id,
            client_context=call.client_context,
            tenant_id=call.tenant_id,
            log_tail=call.log_tail,
        )


def _refusal(error: InvokeError) -> ApiError:
    members = {}
    if isinstance(error, TooManyRequests):
        members = {"Reason": error.reason, "retryAfterSeconds": "1"}
    return ApiError(error.error_type, error.message, **members)


def _headers(result: InvokeResult) -> dict[str, str]:
    headers = {"X-Amz-Executed-Version": result.executed_version}
    if result.function_error is not None:
        headers["X-Amz-Function-Error"] = result.function_error
    if result.log_tail is not None:
        headers["X-Amz-Log-Result"] = base64.b64encode(result.log_tail).decode()
    return headers


class _Streaming:
    """A streamed response on its way to a client."""

    def __init__(self, stream: InvokeStream, receive: Receive, send: Send) -> None:
        self._stream = stream
        self._receive = receive
        self._send = send

    async def run(self, headers: dict[str, str], request_id: str) -> None:
        headers = headers | {
            "Content-Type": event_stream.CONTENT_TYPE,
            "X-Amz-Executed-Version": self._stream.executed_version,
        }
        watcher = asyncio.create_task(self._close_with_client())
        try:
            await start(self._send, 200, headers, request_id)
            await self._piece(await self._body(), more=False)
        except Exception:
            # The status is out. To return without the last piece makes the server close
            # the connection, which is how HTTP says "cut short".
            _logger.exception("The response to request %s was cut short", request_id)
        finally:
            watcher.cancel()
            await self._stream.aclose()

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
