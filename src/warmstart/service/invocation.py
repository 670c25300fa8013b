"""One invocation: the event, and the one way back to its caller.

It is answered once: as a whole, as a stream, or by refusing it. A caller that
has left (its task was cancelled) is answered too; nobody hears it.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from warmstart.invoke import InvokeError, InvokeResult
from warmstart.service.stream import Collector, ResponseStream, Sink

__all__ = [
    "BufferedInvocation",
    "Invocation",
    "StreamedInvocation",
    "new_request_id",
    "new_trace_id",
]

UNHANDLED = "Unhandled"
"""AWS's word in `X-Amz-Function-Error` for every error of a function."""

Answer = TypeVar("Answer")


class Invocation(ABC, Generic[Answer]):
    """What all invocations have. `answered` is true once the caller has all it will get.

    `version` is what is run, `arn` the function's with the qualifier that was used.
    """

    def __init__(
        self,
        request_id: str,
        payload: bytes,
        trace_id: str,
        client_context: str | None,
        version: str,
        arn: str,
        tenant_id: str | None,
    ) -> None:
        self.request_id = request_id
        self.payload = payload
        self.trace_id = trace_id
        self.client_context = client_context
        self.version = version
        self.arn = arn
        self.tenant_id = tenant_id
        self.answered = False
        self._future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def answer(self) -> Answer:
        """Wait for the answer. Raises the `InvokeError` it was refused with."""
        return await self._future

    def refuse(self, error: InvokeError) -> None:
        """The invocation will not reach a handler, or its outcome will not be known."""
        self.answered = True
        if not self._future.done():
            self._future.set_exception(error)

    @abstractmethod
    def respond(self, payload: bytes, content_type: str) -> None:
        """Answer with the handler's whole result."""

    @abstractmethod
    def fail(self, error_type: str, payload: bytes) -> None:
        """Answer with an error of the function, or break the stream that has begun."""

    @abstractmethod
    def begin_stream(self, content_type: str) -> Sink:
        """Begin a streamed answer."""

    def _settle(self, answer: Answer) -> bool:
        """Hand over the answer; false if nobody waits for it."""
        if self._future.done():
            return False
        self._future.set_result(answer)
        return True


class BufferedInvocation(Invocation[InvokeResult]):
    """`Invoke`: the caller gets the whole answer."""

    def respond(self, payload: bytes, content_type: str) -> None:
        self.answered = True
        self._settle(
            InvokeResult(
                self.request_id, payload, executed_version=self.version, content_type=content_type
            )
        )

    def fail(self, error_type: str, payload: bytes) -> None:
        self.answered = True
        self._settle(InvokeResult(self.request_id, payload, UNHANDLED, self.version))

    def begin_stream(self, content_type: str) -> Sink:
        return Collector(lambda body: self.respond(body, content_type), self.fail)


class StreamedInvocation(Invocation[ResponseStream]):
    """`InvokeWithResponseStream`: the caller gets the answer as it comes."""

    _stream: ResponseStream | None = None

    async def answer(self) -> ResponseStream:
        try:
            return await self._future
        except asyncio.CancelledError:
            # The stream may have been handed over just before the cancellation
            # arrived; then there is nobody else who could close it.
            if self._stream is not None:
                self._stream.close()
            raise

    def respond(self, payload: bytes, content_type: str) -> None:
        self.answered = True
        self._settle(
            ResponseStream.whole(self.request_id, content_type, payload, None, self.version)
        )

    def fail(self, error_type: str, payload: bytes) -> None:
        self.answered = True
        if self._stream is not None:
            self._stream.fail(error_type, payload)
        else:
            content_type = "application/json"
            self._settle(
                ResponseStream.whole(
                    self.request_id, content_type, payload, UNHANDLED, self.version
                )
            )

    def begin_stream(self, content_type: str) -> Sink:
        self._stream = ResponseStream(self.request_id, content_type, executed_version=self.version)
        if not self._settle(self._stream):
            self._stream.close()
        return self._stream


def new_request_id() -> str:
    """A random UUID, version 4. A third of what `uuid.uuid4` takes."""
    x = os.urandom(16).hex()
    return f"{x[:8]}-{x[8:12]}-4{x[13:16]}-{'89ab'[int(x[16], 16) & 3]}{x[17:20]}-{x[20:]}"


def new_trace_id(time: float) -> str:
    """The trace header of a request at `time` (epoch seconds) that brought none: not sampled."""
    x = os.urandom(20).hex()
    return f"Root=1-{int(time):08x}-{x[:24]};Parent={x[24:]};Sampled=0"
