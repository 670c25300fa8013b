"""Invokes functions for callers that do not wait.

`enqueue` returns when the event is on the disk. From there it leaves only when its
function has succeeded, or when it is discarded and all that it leaves for
destinations and dead-letter queues is on the disk in its place; see `retry` for when
that is. An event under way when the process dies is delivered again: at least once.

Of events that wait, only their ids are in memory, and the events themselves as far
as they fit into a bounded cache.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from warmstart.invoke import InvokeError, Invoker, RequestTooLarge, ServiceFault
from warmstart.service.asynchronous.configuration import AsyncConfig, Configuration
from warmstart.service.asynchronous.destinations import Arn, NotDelivered
from warmstart.service.asynchronous.event import Event, Response
from warmstart.service.asynchronous.message import Message, messages
from warmstart.service.asynchronous.outbox import Outbox, Sender
from warmstart.service.asynchronous.pump import Pump
from warmstart.service.asynchronous.queue import DurableQueue
from warmstart.service.asynchronous.recursion import RecursiveInvocation
from warmstart.service.asynchronous.retry import (
    Attempt,
    Decision,
    Discard,
    Outcome,
    Retry,
    admit,
    decide,
)
from warmstart.service.clock import Clock
from warmstart.service.invocation import new_request_id, new_trace_id
from warmstart.service.qualifiers import LATEST
from warmstart.service.state.errors import StateError

__all__ = ["MAX_EVENT", "AsyncInvocations", "Statistics"]

MAX_EVENT = 1024 * 1024
"""Bytes of an event that is invoked asynchronously."""

_Result = TypeVar("_Result")
_NOT_NOW = {409, 429}
"""The function is not ready yet, or throttled: that says nothing of the event."""

_CACHE = 64 * 1024 * 1024
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts: events that wait, events at their function, messages that have not arrived."""

    waiting: int
    under_way: int
    messages: int


class AsyncInvocations:
    """An asynchronous context manager; entering it resumes what the last process left.

    `invoker` is a `RecursionGuard`, unless loops may run. `arn` names a function
    and a qualifier. `time_scale` multiplies all waiting times and ages: with 0.001
    a minute takes 60 ms. At most `concurrency` events are at their functions
    together. Leaving it does not wait for these: they will be delivered again. Leave
    it before the invoker is closed.
    """

    def __init__(
        self,
        directory: Path,
        invoker: Invoker,
        configuration: Configuration,
        sender: Sender,
        arn: Callable[[str, str], str],
        *,
        clock: Clock | None = None,
        time_scale: float = 1.0,
        concurrency: int = 1000,
    ) -> None:
        self._path = directory / "events.sqlite"
        self._invoker = invoker
        self._configuration = configuration
        self._sender = sender
        self._clock = clock or Clock()
        self._time_scale = time_scale
        self._arn = arn
        self._pump = Pump(self._work, concurrency, self._clock, time_scale)
        self._cache: dict[int, Event] = {}
        self._cached = 0
        self._closed = True

    async def __aenter__(self) -> AsyncInvocations:
        """Open the queue.

        Raises:
            DirectoryInUse: another process uses it.
            StateError: it is damaged, of a newer release, or cannot be opened.
        """
        self._queue = await DurableQueue.open(self._path)
        self._outbox = Outbox(
            self._queue, self._sender, self._invoke_destination, self._clock, self._time_scale
        )
        try:
            events, left = await self._queue.waiting()
        except BaseException:
            await self._queue.aclose()
            raise
        self._closed = False
        for number, function, due in events:
            self._pump.push(function, number, due)
        self._outbox.open(left)
        self._pump.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        await self._pump.aclose()
        await self._outbox.aclose()
        await self._queue.aclose()

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
        """Take an event; when this returns, it is on the disk.

        Raises:
            RequestTooLarge: it is longer than `MAX_EVENT`.
            ServiceFault: it could not be kept, and will not be delivered.
        """
        if self._closed:
            raise ServiceFault("The service is closing.")
        if len(payload) > MAX_EVENT:
            raise RequestTooLarge(
                f"{len(payload)} byte payload is too large for the Event invocation type"
                f" (limit {MAX_EVENT} bytes)"
            )
        now = self._clock.time()
        event, adding = self._queue.add(
            Event(
                function=function,
                qualifier=qualifier or LATEST,
                payload=payload,
                request_id=request_id or new_request_id(),
                created=now,
                due=now,
                trace_id=trace_id or new_trace_id(now),
                client_context=client_context,
                tenant_id=tenant_id,
            )
        )
        # Not after an `await`: a caller that leaves must not leave the event lying.
        adding.add_done_callback(lambda added: self._added(added, event))
        try:
            await asyncio.shield(adding)
        except StateError as error:
            raise ServiceFault(f"The event could not be kept: {error}") from error

    def statistics(self) -> Statistics:
        """The numbers of now."""
        return Statistics(self._pump.waiting, self._pump.under_way, self._outbox.waiting)

    def _added(self, added: asyncio.Future[None], event: Event) -> None:
        if not added.cancelled() and added.exception() is None:
            if self._cached + len(event.payload) <= _CACHE:
                self._cached += len(event.payload)
                self._cache[event.id] = event
            self._pump.push(event.function, event.id, event.due)

    async def _work(self, number: int) -> bool:
        """Bring one event to its function; false if it was refused."""
        event = self._cache.pop(number, None)
        if event is not None:
            self._cached -= len(event.payload)
        else:
            event = await self._queue.read(number)
        config = self._configuration.async_config(event.function, event.qualifier)
        decision: Decision | None = admit(event, config, self._clock.time(), self._time_scale)
        refused = False
        if decision is None:
            attempt = await self._attempt(event)
            refused = attempt.outcome is Outcome.REFUSED
            now = self._clock.time()
            decision = decide(event, attempt, config, now, self._time_scale)
        await self._act(decision, config)
        return not refused

    async def _attempt(self, event: Event) -> Attempt:
        try:
            result = await self._invoker.invoke(
                event.function,
                event.payload,
                qualifier=event.qualifier,
                request_id=event.request_id,
                trace_id=event.trace_id,
                client_context=event.client_context,
                tenant_id=event.tenant_id,
            )
        except InvokeError as error:
            response = Response(error.status, message=error.message)
            if isinstance(error, RecursiveInvocation):
                return Attempt(
                    Outcome.RECURSIVE, replace(response, function_error=error.error_type)
                )
            counted = error.status < 500 and error.status not in _NOT_NOW
            return Attempt(Outcome.FAILED if counted else Outcome.REFUSED, response)
        except Exception as error:
            _logger.exception("Invoking %s failed in an unforeseen way", event.function)
            return Attempt(Outcome.REFUSED, Response(500, message=repr(error)))
        error_type = result.function_error
        outcome = Outcome.SUCCEEDED if error_type is None else Outcome.FAILED
        response = Response(200, result.executed_version, error_type, result.payload)
        return Attempt(outcome, response)

    async def _act(self, decision: Decision, config: AsyncConfig) -> None:
        event = decision.event
        if isinstance(decision, Retry):
            await self._insist(lambda: self._queue.retry(event))
            self._pump.push(event.function, event.id, event.due)
            return
        arn = self._arn(event.function, event.qualifier)
        left = messages(decision, config, arn, self._clock.time())
        if isinstance(decision, Discard) and not left:
            _logger.warning(
                "Discarded request %s of %s after %d attempts (%s): it has neither an on-failure"
                " destination nor a dead-letter queue",
                event.request_id,
                arn,
                event.invoke_count,
                decision.condition,
            )
        numbers = await self._insist(lambda: self._queue.finish(event.id, left))
        for number, message in zip(numbers, left, strict=True):
            self._outbox.push(number, message)

    async def _insist(self, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """Until it succeeds: what an attempt came to must not be forgotten over a full disk."""
        while True:
            try:
                return await call()
            except StateError as error:
                _logger.error("The queue of events cannot be used, will try again: %s", error)
                await asyncio.sleep(self._time_scale)

    async def _invoke_destination(self, arn: Arn, message: Message) -> None:
        """A function is the destination: `arn.resource` is function:name[:qualifier]."""
        kind, _, name = arn.resource.partition(":")
        name, _, qualifier = name.partition(":")
        if kind != "function" or not name:
            raise NotDelivered(f"{message.target} is not a function")
        try:
            await self.enqueue(
                name,
                qualifier or None,
                message.body.encode(),
                trace_id=message.trace_id,
            )
        except InvokeError as error:
            raise NotDelivered(error.message) from error
