"""The environments of one function and the invocations that wait for them.

`decide` says what to do, the pool does it: it hands the oldest waiters to
sandboxes, starts and stops sandboxes, and refuses. It asks again whenever an
environment has moved, an invocation has come, or the time that the last
decision named is reached. A decision is complete: having performed it there is
nothing more to decide, so moves that are its own consequences only get filed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from warmstart.invoke import InvokeError, ServiceFault, TooManyRequests
from warmstart.service.environments.capacity import Actions, Fleet, decide
from warmstart.service.environments.environment import Environment
from warmstart.service.environments.life import Life, Settings
from warmstart.service.environments.sandbox import Sandbox
from warmstart.service.errors import Failure
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation

__all__ = ["LiveEnvironment", "Pool", "Statistics"]


@dataclass(frozen=True, slots=True)
class LiveEnvironment:
    """What there is to know of an environment.

    `state` is the Runtime API's word for it, `since` when it entered it (epoch
    seconds), `memory` the runtime's peak in MB, as far as known.
    """

    function: str
    version: str
    id: str
    state: str
    since: float
    memory: int | None
    log_stream: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """One function's numbers: environments by what they do now, and what has happened so far."""

    starting: int
    idle: int
    busy: int
    returning: int
    old: int
    waiting: int
    processes: int
    started: int
    invocations: int
    throttles: int


class Pool:
    """Runs one function. `invoke` and everything else here must be called on the event loop."""

    def __init__(self, function: Function, settings: Settings) -> None:
        self.function = function
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._fleet = Fleet(function.max_concurrency, function.idle_timeout)
        self._waiting: deque[Invocation[Any]] = deque()
        self._sandboxes: dict[Environment, Sandbox] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._acting = False
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._started = 0
        self._invocations = 0
        self._throttles = 0

    def invoke(self, invocation: Invocation[Any]) -> None:
        """Have it served as soon as an environment is free; it may be refused at once."""
        self._invocations += 1
        self._waiting.append(invocation)
        self._act(self._settings.clock.monotonic())

    async def start_environment(self) -> None:
        """Start an environment ahead of demand and wait for its INIT.

        Raises:
            InitFailed: INIT failed.
            TooManyRequests: the function has all the environments it may have.
            ServiceFault: the environment was stopped before its INIT was done.
        """
        if not self._fleet.places:
            raise _throttled()
        await self._start("provisioned-concurrency").wait_initialized()

    def update(self, function: Function) -> None:
        """Serve all that wait, and all to come, with new environments of `function`."""
        self.function = function
        self._fleet.renew(function.max_concurrency, function.idle_timeout)
        self._act(self._settings.clock.monotonic())

    def retire(self, error: InvokeError) -> None:
        """Refuse the invocations that wait and finish those under way. There must be no more."""
        self._refuse_waiting(error)
        self.update(self.function)

    async def aclose(self) -> None:
        """Stop everything. Returns when no process is left. There must be no more invocations."""
        error = ServiceFault("The service is closing.")
        self._refuse_waiting(error)
        for sandbox in list(self._sandboxes.values()):
            sandbox.abandon(error)
        await self.wait_empty()
        if self._alarm is not None:
            self._alarm.cancel()

    async def wait_empty(self) -> None:
        """Return when there is no environment."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def statistics(self) -> Statistics:
        fleet = self._fleet
        return Statistics(
            starting=len(fleet.starting),
            idle=len(fleet.idle),
            busy=len(fleet.busy),
            returning=len(fleet.returning),
            old=len(fleet.old),
            waiting=len(self._waiting),
            processes=len(self._sandboxes),
            started=self._started,
            invocations=self._invocations,
            throttles=self._throttles,
        )

    def environments(self) -> list[LiveEnvironment]:
        """Those that there are now."""
        epoch = self._settings.clock.time() - self._settings.clock.monotonic()
        return [
            LiveEnvironment(
                sandbox.function.name,
                sandbox.function.version,
                environment.id,
                environment.state.value,
                epoch + environment.since,
                sandbox.memory,
                sandbox.source.log_stream,
            )
            for environment, sandbox in self._sandboxes.items()
        ]

    # What the sandboxes tell

    def changed(self, sandbox: Life) -> None:
        """An environment has moved."""
        self._fleet.file(sandbox.environment)
        if not self._acting:
            self._act(self._settings.clock.monotonic())

    def init_failed(self, sandbox: Life, failure: Failure) -> None:
        """An environment that would have served somebody will not: the oldest waiter hears why.

        So each failed INIT answers one waiter, and a function that cannot start
        is started no more often than it is invoked.
        """
        if self._waiting and sandbox.environment.generation == self._fleet.generation:
            waiter = self._waiting.popleft()
            waiter.fail(failure.error_type, failure.payload(waiter.request_id))

    # Deciding and acting

    def _act(self, now: float) -> None:
        actions = decide(self._fleet, len(self._waiting), now)
        self._acting = True
        try:
            self._perform(actions)
        finally:
            self._acting = False
        if actions.wake_at is not None:
            self._wake(actions.wake_at, now)

    def _perform(self, actions: Actions) -> None:
        for environment in actions.assign:
            self._sandboxes[environment].serve(self._waiting.popleft())
        for _ in range(actions.refuse):
            self._throttles += 1
            self._waiting.pop().refuse(_throttled())
        for _ in range(actions.start):
            self._start("on-demand")
        for environment in actions.stop:
            self._sandboxes[environment].stop("spindown")

    def _start(self, initialization_type: str) -> Sandbox:
        sandbox = Sandbox(
            self.function, self._fleet.generation, initialization_type, self._settings, self
        )
        self._started += 1
        self._sandboxes[sandbox.environment] = sandbox
        self._fleet.file(sandbox.environment)
        task = self._loop.create_task(sandbox.run())
        self._tasks.add(task)
        task.add_done_callback(self._forget(sandbox))
        return sandbox

    def _forget(self, sandbox: Sandbox) -> Callable[[asyncio.Task[None]], None]:
        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            del self._sandboxes[sandbox.environment]
            if not task.cancelled():
                task.result()  # A sandbox does not fail; if one does, that must be seen.

        return done

    def _wake(self, at: float, now: float) -> None:
        """Decide again at `at`, if not before. A timer that fires too early does no harm."""
        if self._alarm is not None:
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_later(at - now, self._awake)

    def _awake(self) -> None:
        self._alarm = None
        # The loop's clock is coarser than ours, and may be early by its resolution.
        self._act(max(self._settings.clock.monotonic(), self._alarm_at))

    def _refuse_waiting(self, error: InvokeError) -> None:
        while self._waiting:
            self._waiting.popleft().refuse(error)


def _throttled() -> TooManyRequests:
    return TooManyRequests(
        "Rate Exceeded.", reason="ReservedFunctionConcurrentInvocationLimitExceeded"
    )
