"""The environments of one function version and the invocations that wait for them.

`decide` says what to do, the pool does it: it hands the oldest waiters to
sandboxes, starts and stops sandboxes, and refuses. It asks again whenever an
environment has moved, an invocation has come, or the time that the last
decision named is reached. A decision is complete: having performed it there is
nothing more to decide, so moves that are its own consequences only get filed.

Pools share concurrency and the machine, so what one does may concern another:
a pool that has given back a place asks those that wait for one, and one that
needs room may stop an idle environment of any other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from warmstart.invoke import InvokeError, ServiceFault, TooManyRequests
from warmstart.service.environments.capacity import RETRY, Actions, Fleet, decide, evictable
from warmstart.service.environments.concurrency import Allotment, Bucket, Reason
from warmstart.service.environments.concurrent_sandbox import ConcurrentSandbox
from warmstart.service.environments.environment import Environment
from warmstart.service.environments.host import Host
from warmstart.service.environments.life import Life, Settings
from warmstart.service.environments.sandbox import Sandbox
from warmstart.service.environments.snapshot import Snapshot
from warmstart.service.errors import Failure
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation

__all__ = ["Counts", "LiveEnvironment", "Neighbours", "Pool", "Statistics"]


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
    """A function's numbers: environments by what they do now, and what has happened so far."""

    starting: int = 0
    idle: int = 0
    busy: int = 0
    returning: int = 0
    old: int = 0
    waiting: int = 0
    processes: int = 0
    started: int = 0
    invocations: int = 0
    throttles: int = 0


@dataclass(slots=True)
class Counts:
    """What has happened so far in all pools of a function."""

    started: int = 0
    invocations: int = 0
    throttles: int = 0


@dataclass(slots=True)
class Neighbours:
    """What all pools of a service share: the machine, and how they find each other."""

    host: Host
    pools: dict[Hashable, Pool] = field(default_factory=dict)
    sandboxes: dict[Environment, Life] = field(default_factory=dict)

    def evict(self, environments: Iterable[Environment]) -> None:
        """Stop idle environments, whosesoever they are."""
        for environment in environments:
            self.sandboxes[environment].stop("spindown")

    def share(self, allotment: Allotment, now: float) -> None:
        """Let those decide anew who wait for places of the allotment, while there are some."""
        for fleet in list(allotment.patient):
            if not allotment.free:
                return
            self.pools[fleet].act(now)


class Pool:
    """Runs one version of a function, for one tenant if it isolates its tenants.

    `invoke` and everything else here must be called on the event loop. `on_empty`
    is called whenever there is neither an environment nor a waiter any more.
    """

    def __init__(
        self,
        function: Function,
        settings: Settings,
        neighbours: Neighbours,
        allotment: Allotment,
        growth: Bucket | None,
        counts: Counts,
        on_empty: Callable[[Pool], None],
        snapshot: Snapshot | None = None,
    ) -> None:
        self.function = function
        self._settings = settings
        self._neighbours = neighbours
        self._counts = counts
        self._on_empty = on_empty
        self._snapshot = snapshot
        self._loop = asyncio.get_running_loop()
        self._fleet = Fleet(
            allotment,
            neighbours.host,
            idle_timeout=function.idle_timeout,
            places=function.max_environment_concurrency,
            growth=growth,
        )
        neighbours.pools[self._fleet] = self
        self._waiting: deque[Invocation[Any]] = deque()
        self._sandboxes: dict[Environment, Life] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._acting = False
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self._provisioning_failed = False

    def invoke(self, invocation: Invocation[Any]) -> None:
        """Have it served as soon as an environment is free; it may be refused at once."""
        self._counts.invocations += 1
        now = self._now()
        allotment = self._fleet.allotment
        if not allotment.admit(now):
            self._throttle(invocation, allotment.rate_reason)
            return
        self._waiting.append(invocation)
        self.act(now)

    async def start_environment(self) -> None:
        """Start an environment ahead of demand and wait for its INIT.

        Raises:
            InitFailed: INIT failed.
            TooManyRequests: the function has all the environments it may have.
            ServiceFault: the environment was stopped before its INIT was done.
        """
        host = self._neighbours.host
        free = self._fleet.allotment.free
        room, reason = self._fleet.room(self._now(), free, host.free + len(host.idle))
        if not room:
            raise self._throttled(reason)
        self._neighbours.evict(evictable(host, 1 - host.free))
        await self._start("provisioned-concurrency").wait_initialized()

    def provision(self, count: int) -> None:
        """Keep as many environments started, ready and apart from those on demand."""
        self._fleet.wanted = count
        self._fleet.retry_at = 0.0
        self._provisioning_failed = False
        self.act(self._now())

    @property
    def provisioned(self) -> tuple[int, bool]:
        """How many provisioned environments are ready; whether another one's INIT has failed."""
        return self._fleet.ready, self._provisioning_failed

    def take_places_from(self, allotment: Allotment) -> None:
        """Run within another part of the account's concurrency from now on."""
        if allotment is not self._fleet.allotment:
            self._fleet.move(allotment)

    def update(self, function: Function, snapshot: Snapshot | None = None) -> None:
        """Serve all that wait, and all to come, with new environments of `function`."""
        self.function = function
        self._snapshot = snapshot
        self._fleet.renew(
            idle_timeout=function.idle_timeout, places=function.max_environment_concurrency
        )
        self.act(self._now())

    def retire(self, error: InvokeError) -> None:
        """Refuse the invocations that wait and finish those under way. There must be no more."""
        self._fleet.wanted = 0
        self._refuse_waiting(error)
        self.update(self.function, self._snapshot)

    async def aclose(self) -> None:
        """Stop everything. Returns when no process is left. There must be no more invocations."""
        error = ServiceFault("The service is closing.")
        self._fleet.wanted = 0
        self._refuse_waiting(error)
        for sandbox in list(self._sandboxes.values()):
            sandbox.abandon(error)
        await self.wait_empty()

        self.dispose()

    async def wait_empty(self) -> None:
        """Return when there is no environment."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def dispose(self) -> None:
        """Leave the neighbours: there is no environment, and there must be no invocations."""
        del self._neighbours.pools[self._fleet]
        if self._alarm is not None:
            self._alarm.cancel()

    def statistics(self) -> Statistics:
        """The numbers, for what has happened of all pools of the function."""
        fleet = self._fleet
        return Statistics(
            starting=len(fleet.starting),
            idle=len(fleet.idle) + len(fleet.kept),
            busy=len(fleet.busy) + len(fleet.shared),
            returning=len(fleet.returning) + len(fleet.late) + len(fleet.background),
            old=len(fleet.old) + len(fleet.discarded),
            waiting=len(self._waiting),
            processes=len(self._sandboxes),
        )

    def environments(self) -> list[LiveEnvironment]:
        """Those that there are now."""
        epoch = self._settings.clock.time() - self._now()
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
        if self._acting:
            return
        # Most moves change nothing for anybody: the alarm that is set is for what comes first.
        if not self._waiting and self._alarm is not None and self._fleet.is_settled:
            self._share()
        else:
            self.act(self._now())

    def init_failed(self, sandbox: Life, failure: Failure) -> None:
        """An environment that would have served somebody will not: the oldest waiter hears why.

        So each failed INIT answers one waiter, and a function that cannot start
        is started no more often than it is invoked. A provisioned one was not
        started for anybody.
        """
        if sandbox.environment in self._fleet.provisioned:
            self._fleet.retry_at = self._now() + RETRY
            self._provisioning_failed = True
        elif self._waiting and sandbox.environment.generation == self._fleet.generation:
            waiter = self._waiting.popleft()
            refusal = sandbox.refusal(failure)
            if refusal is not None:
                waiter.refuse(refusal)
            else:
                waiter.fail(failure.error_type, failure.payload(waiter.request_id))

    # Deciding and acting

    def act(self, now: float) -> None:
        """Decide what is to be done now, and do it."""
        if self._acting:
            return
        actions = decide(self._fleet, len(self._waiting), now)
        self._acting = True
        try:
            self._perform(actions)
        finally:
            self._acting = False
        if actions.wake_at is not None:
            self._wake(actions.wake_at, now)
        self._share()
        if actions.refuse and not self._sandboxes and not self._waiting:
            self._on_empty(self)

    def _share(self) -> None:
        allotment = self._fleet.allotment
        if allotment.patient and allotment.free:
            self._neighbours.share(allotment, self._now())

    def _perform(self, actions: Actions) -> None:
        for environment in actions.assign:
            self._sandboxes[environment].serve(self._waiting.popleft())
        for _ in range(actions.refuse):
            self._throttle(self._waiting.pop(), actions.reason)
        self._fleet.be_patient(actions.patient)
        for environment in actions.stop:
            self._sandboxes[environment].stop("spindown")
        self._neighbours.evict(actions.evict)
        for _ in range(actions.start):
            self._start("on-demand")
        if actions.provision:
            self._provisioning_failed = False
        for _ in range(actions.provision):
            self._start("provisioned-concurrency", provisioned=True)

    def _start(self, initialization_type: str, *, provisioned: bool = False) -> Life:
        sandbox: Life
        if self.function.max_environment_concurrency > 1:
            sandbox = ConcurrentSandbox(self.function, self._fleet.generation, self._settings, self)
        else:
            if self.function.snap_start:
                initialization_type = "snap-start"
            sandbox = Sandbox(
                self.function,
                self._fleet.generation,
                initialization_type,
                self._settings,
                self,
                self._snapshot,
            )
        self._counts.started += 1
        self._sandboxes[sandbox.environment] = sandbox
        self._neighbours.sandboxes[sandbox.environment] = sandbox
        self._fleet.add(sandbox.environment, provisioned=provisioned)
        task = self._loop.create_task(sandbox.run())
        self._tasks.add(task)
        task.add_done_callback(self._forget(sandbox))
        return sandbox

    def _forget(self, sandbox: Life) -> Callable[[asyncio.Task[None]], None]:
        def done(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            del self._sandboxes[sandbox.environment]
            del self._neighbours.sandboxes[sandbox.environment]
            if not self._sandboxes and not self._waiting:
                self._on_empty(self)
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
        self.act(max(self._now(), self._alarm_at))

    def _now(self) -> float:
        return self._settings.clock.monotonic()

    # Refusing

    def _refuse_waiting(self, error: InvokeError) -> None:
        self._fleet.be_patient(0)
        while self._waiting:
            self._waiting.popleft().refuse(error)

    def _throttle(self, invocation: Invocation[Any], reason: Reason | None) -> None:
        assert reason is not None
        self._counts.throttles += 1
        invocation.refuse(self._throttled(reason))

    def _throttled(self, reason: Reason) -> TooManyRequests:
        message = "Rate Exceeded."
        if reason is Reason.HOST:
            message = (
                f"All of the {self._neighbours.host.limit} environments that this machine may run"
                " are busy. Invoke fewer at a time, or allow more environments."
            )
        return TooManyRequests(message, reason=reason)
