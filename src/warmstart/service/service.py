"""The service: functions by name, and the calls that run them.

Everything lives on one event loop and in one thread, so there are no locks: each
step that looks and then acts does both without awaiting in between.
"""

from __future__ import annotations

import asyncio
import json
from types import TracebackType

from warmstart.invoke import (
    MAX_PAYLOAD,
    InvalidRequestContent,
    InvokeResult,
    InvokeStream,
    RequestTooLarge,
    ResourceNotFound,
    ServiceFault,
)
from warmstart.service.clock import Clock
from warmstart.service.environments.pool import Pool, Statistics
from warmstart.service.environments.process import Driver, ProcessDriver
from warmstart.service.function import Function
from warmstart.service.invocation import (
    BufferedInvocation,
    StreamedInvocation,
    new_request_id,
    new_trace_id,
)
from warmstart.service.telemetry import Event, Observer

__all__ = ["Service"]


def _unobserved(event: Event) -> None:
    """Nobody watches."""


class Service:
    """Runs functions in environments that it starts and stops with the load.

    An asynchronous context manager: on leaving it, all environments are stopped
    and their processes gone. `observer` gets every `telemetry` event.
    """

    def __init__(
        self,
        observer: Observer = _unobserved,
        *,
        driver: Driver | None = None,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        self.observer = observer
        self.driver = driver or ProcessDriver()
        self.clock = clock or Clock()
        self.region = region
        self.account = account
        self._pools: dict[str, Pool] = {}
        self._retired: set[Pool] = set()
        self._closed = False

    async def __aenter__(self) -> Service:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop all environments. Whoever waits or comes later gets a `ServiceFault`."""
        self._closed = True
        pools = [*self._pools.values(), *self._retired]
        self._pools.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))

    # Functions

    async def create_function(self, function: Function) -> None:
        """Add a function; no environment is started before it is needed.

        Raises:
            ValueError: there is one of that name.
            ServiceFault: the service is closed.
        """
        self._check_open()
        if function.name in self._pools:
            raise ValueError(f"Function already exist: {function.name}")
        self._pools[function.name] = Pool(function, self)

    async def update_function(self, function: Function) -> None:
        """New code or a new configuration (or the same, if only files have changed).

        All that waits or comes from now on is served by new environments. Those
        that are busy finish what they do, background work included, and stop.

        Raises:
            ResourceNotFound: there is no function of that name.
        """
        self._pool(function.name).update(function)

    async def delete_function(self, name: str) -> None:
        """Remove a function. Invocations under way are finished, waiting ones refused.

        Raises:
            ResourceNotFound: there is no function of that name.
        """
        pool = self._pool(name)
        del self._pools[name]
        self._retired.add(pool)
        pool.retire(self._not_found(name))
        waiting = asyncio.ensure_future(pool.wait_empty())
        waiting.add_done_callback(lambda _: self._retired.discard(pool))

    async def start_environment(self, name: str) -> None:
        """Start an environment ahead of demand and wait for its INIT.

        Raises:
            InitFailed: INIT failed; the error says how, in the runtime's words.
            InvokeError: there is no such function, or it may have no more environments.
        """
        await self._pool(name).start_environment()

    def statistics(self) -> dict[str, Statistics]:
        """The numbers of each function, by name."""
        return {name: pool.statistics() for name, pool in self._pools.items()}

    def arn(self, function: Function) -> str:
        """The function's Amazon resource name, as its invocations see it."""
        return self._arn(function.name)

    # The Invoker protocol

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
    ) -> InvokeResult:
        """Run a function and wait for its whole answer.

        A caller that stops waiting does not stop the function, as on AWS.
        """
        pool = self._pool(function)
        invocation = BufferedInvocation(
            request_id or new_request_id(),
            _checked(payload),
            self._trace(trace_id),
            _compact(client_context),
            pool.function.version,
        )
        pool.invoke(invocation)
        return await invocation.answer()

    async def invoke_with_response_stream(
        self,
        function: str,
        payload: bytes,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
    ) -> InvokeStream:
        """Run a function and return as soon as it begins to answer."""
        pool = self._pool(function)
        invocation = StreamedInvocation(
            request_id or new_request_id(),
            _checked(payload),
            self._trace(trace_id),
            _compact(client_context),
            pool.function.version,
        )
        pool.invoke(invocation)
        return await invocation.answer()

    def _trace(self, trace_id: str | None) -> str:
        """The caller's trace header, if it can be a header of ours; else a new one."""
        if trace_id and trace_id.isascii() and trace_id.isprintable():
            return trace_id
        return new_trace_id(self.clock.time())

    def _check_open(self) -> None:
        if self._closed:
            raise ServiceFault("The service is closed.")

    def _pool(self, name: str) -> Pool:
        self._check_open()
        pool = self._pools.get(name)
        if pool is None:
            raise self._not_found(name)
        return pool

    def _not_found(self, name: str) -> ResourceNotFound:
        return ResourceNotFound(f"Function not found: {self._arn(name)}")

    def _arn(self, name: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"


def _checked(payload: bytes) -> bytes:
    if len(payload) > MAX_PAYLOAD:
        raise RequestTooLarge(
            f"{len(payload)} byte payload is too large for the RequestResponse invocation type"
            f" (limit {MAX_PAYLOAD} bytes)"
        )
    return payload


def _compact(client_context: str | None) -> str | None:
    """The client context as it fits into a header: on one line, in ASCII."""
    if client_context is None:
        return None
    try:
        return json.dumps(json.loads(client_context), separators=(",", ":"))
    except ValueError as error:
        raise InvalidRequestContent(
            "Client context must be a valid Base64-encoded JSON object."
        ) from error
