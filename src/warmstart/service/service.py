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
from warmstart.service.environments.concurrency import Account, Bucket
from warmstart.service.environments.driver import Driver
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.environments.host import Host
from warmstart.service.environments.pool import LiveEnvironment, Neighbours, Pool, Statistics
from warmstart.service.environments.snapshot import Snapshot, take_snapshot
from warmstart.service.function import Function
from warmstart.service.invocation import (
    BufferedInvocation,
    StreamedInvocation,
    new_request_id,
    new_trace_id,
)
from warmstart.service.limits import Limits
from warmstart.service.logs.tail import Tails
from warmstart.service.qualifiers import LATEST
from warmstart.service.telemetry import Event, Observer
from warmstart.service.versions import Provisioned, Versions

__all__ = ["Service"]

SCALING_RATE = (1000, 100)
"""How many environments a function may have more at once, and how many more each second.

https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
"""

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
        limits: Limits | None = None,
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
        limits = limits or Limits()
        self._account = Account(limits.concurrency, limits.unreserved, limits.request_rate)
        self._scaling_rate = limits.scaling_rate
        self._neighbours = Neighbours(Host(limits.environments))
        self._functions: dict[str, Versions] = {}
        self._deleted: set[Versions] = set()
        self._snapshots: set[Snapshot] = set()
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
        everything = [*self._functions.values(), *self._deleted]
        self._functions.clear()
        await asyncio.gather(*(versions.aclose() for versions in everything))
        await asyncio.gather(*(snapshot.aclose() for snapshot in self._snapshots))

    def observer(self, event: Event) -> None:
        """Take an event of an environment."""
        self._tails.observe(event)
        self._observer(event)

    # Functions

    async def create_function(self, function: Function) -> None:
        """Add a version of a function; no environment is started before it is needed.

        With SnapStart its snapshot is taken first.

        Raises:
            ValueError: there is this version of it already.
            InitFailed: INIT failed, so that there is no snapshot.
            ServiceFault: the service is closed.
        """
        self._check_open()
        if function.version in self._functions.get(function.name, ()):
            raise ValueError(f"Function already exist: {function.name}")
        snapshot = await self._take_snapshot(function)
        versions = self._functions.get(function.name)
        if versions is None:
            growth = Bucket(*SCALING_RATE) if self._scaling_rate else None
            versions = Versions(function.name, self, self._neighbours, self._account, growth)
            self._functions[function.name] = versions
        versions.create(function, snapshot)

    async def _take_snapshot(self, function: Function) -> Snapshot | None:
        if not function.snap_start:
            return None
        snapshot = await take_snapshot(function, self)
        if snapshot is not None:
            self._snapshots.add(snapshot)
            snapshot.when_closed(self._snapshots.discard)
            if self._closed:
                await snapshot.aclose()
                self._check_open()
        return snapshot

    async def update_function(self, function: Function) -> None:
        """New code or a new configuration (or the same, if only files have changed).

        All that waits or comes from now on is served by new environments. Those
        that are busy finish what they do, background work included, and stop.

        Raises:
            ResourceNotFound: there is no such version.
            InitFailed: INIT failed, so that there is no snapshot.
        """
        versions = self._versions(function.name, None, function.version)
        versions.update(function, await self._take_snapshot(function))

    async def delete_function(self, name: str, version: str | None = None) -> None:
        """Remove a version, or the function with all of its versions and aliases.

        Invocations under way are finished, waiting ones refused.

        Raises:
            ResourceNotFound: there is no such function or version.
        """
        only = [version] if version is not None else []
        versions = self._versions(name, version, *only)
        for each in only or versions.numbers:
            versions.delete(each, self._not_found(name, version))
        if not versions.numbers:
            del self._functions[name]
            versions.reserve(None)
            self._deleted.add(versions)
            waiting = asyncio.ensure_future(versions.wait_empty())
            waiting.add_done_callback(lambda _: self._deleted.discard(versions))

    def set_alias(self, name: str, alias: str, versions: Mapping[str, float]) -> None:
        """Create or change an alias: the versions it leads to, with weights that add up to one.

        Raises:
            ResourceNotFound: there is no such function or version.
            ValueError: the weights do not add up to one.
        """
        self._versions(name, alias, *versions).set_alias(alias, versions)

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove an alias, if there is such a one, and what is provisioned for it.

        Raises:
            ResourceNotFound: there is no such function.
        """
        self._versions(name, alias).delete_alias(alias)

    # Concurrency

    def set_reserved_concurrency(self, name: str, count: int | None) -> None:
        """Give a function a concurrency of its own, which it cannot exceed; `None` ends that.

        Raises:
            ResourceNotFound: there is no such function.
            ValueError: so much cannot be reserved, for the reason AWS gives.
        """
        self._versions(name, None).reserve(count)

    def set_provisioned_concurrency(self, name: str, qualifier: str, count: int) -> None:
        """Start as many environments of a version or alias, and keep them.

        Raises:
            ResourceNotFound: there is no such function, version or alias.
            ValueError: so many cannot be had, for the reason AWS gives.
        """
        self._qualified(name, qualifier).provision(qualifier, count)

    def delete_provisioned_concurrency(self, name: str, qualifier: str) -> None:
        """Keep no more environments of a version or alias than the load needs.

        Raises:
            ResourceNotFound: there is no such function, version or alias.
        """
        self._qualified(name, qualifier).provision(qualifier, 0)

    def provisioned_concurrency(self, name: str, qualifier: str) -> Provisioned:
        """How far it is with what is provisioned for a version or alias.

        Raises:
            ResourceNotFound: there is no such function, version or alias.
        """
        return self._qualified(name, qualifier).provisioned(qualifier)

    @property
    def unreserved_concurrency(self) -> int:
        """What is left of the account's concurrency: `UnreservedConcurrentExecutions`."""
        return self._account.unreserved

    # Environments

    async def start_environment(self, name: str, qualifier: str | None = None) -> None:
        """Start an environment ahead of demand and wait for its INIT.

        Raises:
            InitFailed: INIT failed; the error says how, in the runtime's words.
            InvokeError: there is no such function, or it may have no more environments.
        """
        await self._pool(name, qualifier, None).start_environment()

    def statistics(self) -> dict[str, Statistics]:
        """The numbers of each function, by name."""
        return {name: versions.statistics() for name, versions in self._functions.items()}

    def environments(self) -> list[LiveEnvironment]:
        """All environments that there are now."""
        everything = (*self._functions.values(), *self._deleted)
        return [
            environment
            for versions in everything
            for pool in versions.pools
            for environment in pool.environments()
        ]

    def arn(self, name: str, qualifier: str | None = None) -> str:
        """A function's Amazon resource name."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        return arn if qualifier is None else f"{arn}:{qualifier}"

    def check(self, name: str, qualifier: str | None = None) -> None:
        """Whether an invocation would find something to run.

        Raises:
            ResourceNotFound: there is no such function, version or alias.
        """
        self._qualified(name, qualifier)

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
        pool = self._pool(call.function, call.qualifier, call.tenant_id)
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

    def _pool(self, name: str, qualifier: str | None, tenant_id: str | None) -> Pool:
        versions = self._versions(name, qualifier)
        pool = versions.pool(qualifier or LATEST, tenant_id, self._random())
        if pool is None:
            raise self._not_found(name, qualifier)
        return pool

    def _qualified(self, name: str, qualifier: str | None) -> Versions:
        """The function, of which there must be all that the qualifier leads to."""
        versions = self._versions(name, qualifier)
        needed = versions.aliases.versions(qualifier or LATEST)
        if not all(version in versions for version in needed):
            raise self._not_found(name, qualifier)
        return versions

    def _versions(self, name: str, qualifier: str | None, *needed: str) -> Versions:
        """The function, which must have the versions that are `needed`."""
        self._check_open()
        versions = self._functions.get(name)
        if versions is None:
            raise self._not_found(name, qualifier)
        for version in needed:
            if version not in versions:
                raise self._not_found(name, version)
        return versions

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
    except (ValueError, RecursionError) as error:
        raise InvalidRequestContent(
            "Client context must be a valid Base64-encoded JSON object."
        ) from error
