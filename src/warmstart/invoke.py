"""The invoke protocol: all that gateways and triggers know of a service.

A gateway builds an event, hands its JSON to an `Invoker` and writes out what
comes back. It names no environment, no queue and no process, so the same
gateway serves the local service, a test double, or AWS itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "MAX_PAYLOAD",
    "InvalidParameterValue",
    "InvalidRequestContent",
    "InvokeError",
    "InvokeResult",
    "InvokeStream",
    "Invoker",
    "RequestTooLarge",
    "ResourceNotFound",
    "ServiceFault",
    "SnapStartFailed",
    "SnapStartNotReady",
    "SnapStartTimeout",
    "StreamBroken",
    "TooManyRequests",
]

MAX_PAYLOAD = 6 * 1024 * 1024 + 100
"""Largest event and largest buffered response, in bytes, as the Runtime API enforces it."""


class InvokeError(Exception):
    """The invocation did not reach a handler.

    `error_type` is the name AWS gives the error in `x-amzn-ErrorType`,
    `status` the HTTP status it answers with.
    """

    error_type = "ServiceException"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ServiceFault(InvokeError):
    """The service itself failed or is closing. The caller may try again."""


class ResourceNotFound(InvokeError):
    """No such function, version or alias."""

    error_type = "ResourceNotFoundException"
    status = 404


class InvalidRequestContent(InvokeError):
    """The event or the client context is not JSON."""

    error_type = "InvalidRequestContentException"
    status = 400


class InvalidParameterValue(InvokeError):
    """The call does not fit the function: a tenant id is missing, or one too many."""

    error_type = "InvalidParameterValueException"
    status = 400


class RequestTooLarge(InvokeError):
    """The event is too long.

    AWS answers with this name, and not with the model's `RequestTooLargeException`.
    """

    error_type = "RequestEntityTooLargeException"
    status = 413


class TooManyRequests(InvokeError):
    """No environment is free and none may be started. `reason` is AWS's `Reason` member."""

    error_type = "TooManyRequestsException"
    status = 429

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SnapStartFailed(InvokeError):
    """No environment could be made from the version's snapshot."""

    error_type = "SnapStartException"
    status = 400


class SnapStartTimeout(InvokeError):
    """It took too long to make an environment from the version's snapshot."""

    error_type = "SnapStartTimeoutException"
    status = 408


class SnapStartNotReady(InvokeError):
    """The version's snapshot is still being taken."""

    error_type = "SnapStartNotReadyException"
    status = 409


class StreamBroken(Exception):
    """A streamed response ended early: the handler failed, timed out or exited.

    `error_type` and `payload` (the error's JSON) are what the runtime sent in
    the trailers of its response, or what the service says in its place.
    """

    def __init__(self, error_type: str, payload: bytes) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.payload = payload


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """A whole answer: the handler's JSON, or the error's where `function_error` is set.

    `function_error` is `None` or AWS's word for it, `"Unhandled"`.
    `executed_version` is what the qualifier led to. `log_tail` is the last 4 KB
    of the invocation's log, where it was asked for.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None
    executed_version: str = "$LATEST"
    content_type: str = "application/json"
    log_tail: bytes | None = None


class InvokeStream(Protocol):
    """An answer that arrives in pieces, as the handler produces them.

    `streamed` tells whether the runtime answered in streaming mode; if it did
    not, the one chunk is the whole buffered payload, as on AWS.
    `function_error` is set if the handler failed before anything was sent; then
    the chunks are the error's JSON.

    With `log_tail` asked for, the chunks do not end (nor raise) before the log
    of the invocation is complete; then it is there.
    """

    @property
    def request_id(self) -> str: ...

    @property
    def content_type(self) -> str: ...

    @property
    def streamed(self) -> bool: ...

    @property
    def function_error(self) -> str | None: ...

    @property
    def executed_version(self) -> str: ...

    @property
    def log_tail(self) -> bytes | None: ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks. Reading slowly slows the handler down.

        Raises:
            StreamBroken: the handler failed after the first chunk.
        """
        ...

    async def aclose(self) -> None:
        """Stop reading; if the response is not complete, the app is told that its client left."""
        ...


class Invoker(Protocol):
    """Something that runs functions.

    Both calls take the function's name and the event as JSON bytes and may raise
    any `InvokeError`. A handler that fails is not an error of the call: the
    result says so in `function_error`.

    `qualifier` is a version, an alias or `$LATEST`, which is also what is run
    without one. `tenant_id` is needed by a function that isolates its tenants,
    and refused by all others. `log_tail` asks for the end of the log, for which
    the answer waits until the runtime is done with the invocation.
    """

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        tenant_id: str | None = None,
        log_tail: bool = False,
    ) -> InvokeResult: ...

    async def invoke_with_response_stream(
        self,
        function: str,
        payload: bytes,
        *,
        qualifier: str | None = None,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        tenant_id: str | None = None,
        log_tail: bool = False,
    ) -> InvokeStream:
        """Return as soon as the handler has begun to answer."""
        ...
