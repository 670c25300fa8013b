"""The service: functions by name, and the calls that run them.

Everything lives on one event loop and in one thread, so there are no locks: each
step that looks and then acts does both without awaiting in between.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import NamedTuple, TypeVar

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
from warmstart.service.environments.driver import Driver
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.environments.pool import LiveEnvironment, Pool, Statistics
from warmstart.service.function import Function
from warmstart.service.invocation import (
    BufferedInvocation,
    StreamedInvocation,
    new_request_id,
    new_trace_id,
)
from warmstart.service.logs.tail import Tails
from warmstart.service.qualifiers import LATEST, Aliases
from warmstart.service.telemetry import Event, Observer

__all__ = ["Service"]

_Invocation = TypeVar("_Invocation", BufferedInvocation, StreamedInvocation)


def _unobserved(event: Event) -> None:
    """Nobody watches."""


class _Call(NamedTuple):
    """What somebody asked for."""

    function: str
    qualifier: str | None
    request_id: str
    payload: bytes
    trace_id: str | None
    client_context: str | None
    tenant_id: str | None


class _Versions:
    """One function: its versions and aliases."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.aliases = Aliases()


class Service:
    """Runs functions in environments that it starts and stops with the load.

    An asynchronous context manager: on leaving it, all environments are stopped
    and their processes gone. `observer` gets every `telemetry` event;
    `random` draws which version an alias leads to (from 0 up to, not including, 1).
    `function_variables` is what all functions get unless they have their own: credentials,
    `AWS_ENDPOINT_URL` and its like.
    """

    def __init__(
        self,
        observer: Observer = _unobserved,
        *,
        driver: Driver | None = None,
        clock: Clock | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        random: Callable[[], float] = random.random,
        function_variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.driver = driver or ProcessDriver()
        self.clock = clock or Clock()
        self.region = region
        self.account = account
        self.function_variables = function_variables
        self._observer = observer
        self._tails = Tails()
        self._random = random
        self._functions: dict[str, _Versions] = {}
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
        pools = [pool for each in self._functions.values() for pool in each.pools.values()]
        pools += self._retired
        self._functions.clear()
        await asyncio.gather(*(pool.aclose() for pool in pools))

    def observer(self, event: Event) -> None:
        """Take an event of an environment."""
        self._tails.observe(event)
        self._observer(event)

    # Functions

    async def create_function(self, function: Function) -> None:
        """Add a version of a function; no environment is started before it is needed.

        Raises:
            ValueError: there is this version of it already.
            ServiceFault: the service is closed.
        """
        self._check_open()
        versions = self._functions.setdefault(function.name, _Versions())
        if function.version in versions.pools:
            raise ValueError(f"Function already exist: {function.name}")
        versions.pools[function.version] = Pool(function, self)

    async def update_function(self, function: Function) -> None:
        """New code or a new configuration (or the same, if only files have changed).

        All that waits or comes from now on is served by new environments. Those
        that are busy finish what they do, background work included, and stop.

        Raises:
            ResourceNotFound: there is no such version.
        """
        self._pool(function.name, function.version).update(function)

    async def delete_function(self, name: str, version: str | None = None) -> None:
        """Remove a version, or the function with all of its versions and aliases.

        Invocations under way are finished, waiting ones refused.

        Raises:
            ResourceNotFound: there is no such function or version.
        """
        versions = self._versions(name, version)
        for each in [version] if version is not None else list(versions.pools):
            self._retire(versions.pools.pop(self._known(versions, name, each)), name, version)
        if version is None or not versions.pools:
            del self._functions[name]

    def set_alias(self, name: str, alias: str, versions: Mapping[str, float]) -> None:
        """Create or change an alias: the versions it leads to, with weights that add up to one.

        Raises:
            ResourceNotFound: there is no such function or version.
            ValueError: the weights do not add up to one.
        """
        known = self._versions(name, alias)
        for version in versions:
            self._known(known, name, version)
        known.aliases.set(alias, versions)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias, if there is such a one.

        Raises:
            ResourceNotFound: there is no such function.
        """
        self._versions(name, alias).aliases.delete(alias)

    async def start_environment(self, name: str, qualifier: str | None = None) -> None:
        """Start an environment ahead of demand and wait for its INIT.

        Raises:
            InitFailed: INIT failed; the error says how, in the runtime's words.
            InvokeError: there is no such function, or it may have no more environments.
        """
        await self._pool(name, qualifier).start_environment()

    def statistics(self) -> dict[str, Statistics]:
        """The numbers of each function's `$LATEST`, by name."""
        return {
            name: versions.pools[LATEST].statistics()
            for name, versions in self._functions.items()
            if LATEST in versions.pools
        }

    def environments(self) -> list[LiveEnvironment]:
        """All environments that there are now."""
        pools = [pool for each in self._functions.values() for pool in each.pools.values()]
        return [each for pool in (*pools, *self._retired) for each in pool.environments()]

    def arn(self, name: str, qualifier: str | None = None) -> str:
        """A function's Amazon resource name."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def check(self, name: str, qualifier: str | None = None) -> None:
        """Whether an invocation would find something to run.

        Raises:
            ResourceNotFound: there is no such function, version or alias.
        """
        self._pool(name, qualifier)

    # The Invoker protocol

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
    ) -> InvokeResult:
        """Run a function and wait for its whole answer.

        A caller that stops waiting does not stop the function, as on AWS.
        """
        request_id = request_id or new_request_id()
        call = _Call(function, qualifier, request_id, payload, trace_id, client_context, tenant_id)
        if not log_tail:
            return await self._submit(BufferedInvocation, call).answer()
        tail = self._tails.open(request_id)
        try:
            result = await self._submit(BufferedInvocation, call).answer()
            return replace(result, log_tail=await tail.whole())
        finally:
            tail.close()

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
        """Run a function and return as soon as it begins to answer."""
        request_id = request_id or new_request_id()
        call = _Call(function, qualifier, request_id, payload, trace_id, client_context, tenant_id)
        if not log_tail:
            return await self._submit(StreamedInvocation, call).answer()
        tail = self._tails.open(request_id)
        try:
            stream = await self._submit(StreamedInvocation, call).answer()
        except BaseException:
            tail.close()
            raise
        stream.add_tail(tail)
        return stream

    def _submit(self, kind: type[_Invocation], call: _Call) -> _Invocation:
        pool = self._pool(call.function, call.qualifier)
        invocation = kind(
            call.request_id,
            _checked(call.payload),
            self._trace(call.trace_id),
            _compact(call.client_context),
            pool.function.version,
            self.arn(call.function, call.qualifier),
            call.tenant_id,
        )
        pool.invoke(invocation)
        return invocation

    def _trace(self, trace_id: str | None) -> str:
        """The caller's trace header, if it can be a header of ours; else a new one."""
        if trace_id and trace_id.isascii() and trace_id.isprintable():
            return trace_id
        return new_trace_id(self.clock.time())

    def _check_open(self) -> None:
        if self._closed:
            raise ServiceFault("The service is closed.")

    def _pool(self, name: str, qualifier: str | None) -> Pool:
        versions = self._versions(name, qualifier)
        pool = versions.pools.get(versions.aliases.version(qualifier or LATEST, self._random()))
        if pool is None:
            raise self._not_found(name, qualifier)
        return pool

    def _versions(self, name: str, qualifier: str | None) -> _Versions:
        self._check_open()
        versions = self._functions.get(name)
        if versions is None:
            raise self._not_found(name, qualifier)
        return versions

    def _known(self, versions: _Versions, name: str, version: str) -> str:
        if version not in versions.pools:
            raise self._not_found(name, version)
        return version

    def _retire(self, pool: Pool, name: str, version: str | None) -> None:
        self._retired.add(pool)
        pool.retire(self._not_found(name, version))
        waiting = asyncio.ensure_future(pool.wait_empty())
        waiting.add_done_callback(lambda _: self._retired.discard(pool))

    def _not_found(self, name: str, qualifier: str | None) -> ResourceNotFound:
        return ResourceNotFound(f"Function not found: {self.arn(name, qualifier)}")


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
