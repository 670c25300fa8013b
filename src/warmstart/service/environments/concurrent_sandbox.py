"""An environment that serves many invocations at once, as Lambda Managed Instances have.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html

The runtime asks for events on many connections, and answers each when it likes.
An invocation that comes while nobody asks waits here. It is done when it is
answered; what is timed out is answered, too, but goes on and keeps its place.
Nothing is frozen. A runtime that ends takes the environment with it: its INIT,
which had minutes, is not tried again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from warmstart.invoke import InvokeError
from warmstart.service import errors
from warmstart.service.environments.concurrent_environment import ConcurrentEnvironment
from warmstart.service.environments.environment import Refusal, State
from warmstart.service.environments.life import Life, Owner, Settings
from warmstart.service.environments.serving import Serving
from warmstart.service.errors import Failure, Fault
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation

__all__ = ["ConcurrentSandbox"]


class ConcurrentSandbox(Life):
    """An environment for as many invocations at once as its function says."""

    environment: ConcurrentEnvironment

    def __init__(
        self, function: Function, generation: int, settings: Settings, owner: Owner
    ) -> None:
        now = settings.clock.monotonic()
        places = function.max_environment_concurrency
        environment = ConcurrentEnvironment(secrets.token_hex(16), generation, now, places)
        super().__init__(function, environment, "lambda-managed-instances", settings, owner)
        self._servings: dict[str, Serving] = {}
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._waiting: deque[Invocation[Any]] = deque()
        self._polls: deque[asyncio.Future[Invocation[Any] | None]] = deque()

    # Failing

    def _crashed(self, fault: Fault) -> None:
        self._end_invocations(fault)
        self._begin_shutdown("failure")

    def _end_invocations(self, fault: Fault) -> None:
        for request_id in list(self._servings):
            self._end_invocation(request_id, fault)

    def refuse(self, error: InvokeError) -> None:
        """The callers of all invocations under way get `error`."""
        for serving in self._servings.values():
            serving.invocation.refuse(error)

    def _refuse_polls(self) -> None:
        while self._polls:
            poll = self._polls.popleft()
            if not poll.done():
                poll.set_result(None)

    # The invocations

    def serve(self, invocation: Invocation[Any]) -> None:
        """Hand over an event. The environment must have a place for it."""
        now = self._clock.monotonic()
        request_id = invocation.request_id
        self.environment.assign(request_id, now)
        self._servings[request_id] = serving = Serving(invocation, now, None)
        self._deadlines[request_id] = self._loop.call_later(
            self.function.timeout, self._timed_out, request_id
        )
        self._report_start(serving)
        self._owner.changed(self)
        self._waiting.append(invocation)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._polls:
            poll = self._polls.popleft()
            if not poll.done():
                poll.set_result(self._waiting.popleft())

    def _timed_out(self, request_id: str) -> None:
        invocation = self._servings[request_id].invocation
        self._end_invocation(request_id, errors.timed_out(self.function.timeout))
        if invocation in self._waiting:
            self._waiting.remove(invocation)
            self._free(request_id)
        else:
            self.environment.time_out(request_id)

    def _end_invocation(self, request_id: str, failure: Failure | None) -> None:
        self._deadlines.pop(request_id).cancel()
        self._report_end(self._servings.pop(request_id), failure)

    def _free(self, request_id: str) -> None:
        self.environment.finish(request_id, self._clock.monotonic())
        self._retire_if_old()
        self._owner.changed(self)

    def _retire_if_old(self) -> None:
        if self.environment.is_unused:
            super()._retire_if_old()

    # What the runtime asks for (see `RuntimeAPI`)

    async def next(self) -> Invocation[Any] | None:
        """`GET invocation/next`, on one of many connections."""
        if self.environment.state is State.STARTED:
            self._once_ready(self._begin)
        else:
            self.environment.next(self._clock.monotonic())
        poll: asyncio.Future[Invocation[Any] | None] = self._loop.create_future()
        self._polls.append(poll)
        self._hand_out()
        return self._unless_ended(await poll)

    def _begin(self) -> None:
        """Runtime and extensions ask for events: INIT is over."""
        self.environment.next(self._clock.monotonic())
        self._cancel_deadline()
        self._initialized()
        self._owner.changed(self)

    def begin_response(self, request_id: str) -> None:
        """`POST invocation/{id}/response`: its headers are here."""
        with self._noting_places():
            super().begin_response(request_id)

    def begin_error(self, request_id: str) -> None:
        """`POST invocation/{id}/error`: its headers are here."""
        with self._noting_places():
            super().begin_error(request_id)

    @contextmanager
    def _noting_places(self) -> Iterator[None]:
        """An answer that is refused because it is late frees a place all the same."""
        try:
            yield
        except Refusal:
            self._owner.changed(self)
            raise

    def _serving_of(self, request_id: str) -> Serving | None:
        return self._servings.get(request_id)

    def end_response(self, request_id: str, failure: Failure | None) -> None:
        """The caller has its answer, and the invocation is done."""
        serving = self._servings.get(request_id)
        if serving is not None:
            serving.invocation.answered = True
            serving.failure = failure
            serving.last_byte = self._clock.monotonic()
            self._end_invocation(request_id, None)
            self._free(request_id)
