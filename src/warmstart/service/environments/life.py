"""What all environments have: their runtimes, INIT, SHUTDOWN, and how they report.

`Life` joins three sources of events: the requests of its runtime and extensions
(through `EnvironmentAPI`), its processes' output and end (through the
`Supervisor`), and its timers. Each of them moves the pure `Environment`, answers
invocations if there is something to answer, reports to the observer, and lets
the pool know (`changed`) so that it decides anew. What becomes of invocations is
the subclasses' business.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from warmstart.invoke import InvokeError
from warmstart.service import errors, telemetry
from warmstart.service.clock import Clock
from warmstart.service.endpoints.environment_api import EnvironmentAPI
from warmstart.service.environments.driver import Driver, EnclosureFailed, Places
from warmstart.service.environments.environment import Environment, Refusal, State
from warmstart.service.environments.extensions import Extensions
from warmstart.service.environments.init import Init, Restore
from warmstart.service.environments.serving import Serving
from warmstart.service.environments.supervisor import Supervisor
from warmstart.service.environments.variables import variables
from warmstart.service.errors import Failure, Fault
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation
from warmstart.service.logs.subscribers import Subscribers
from warmstart.service.logs.subscription import Subscription
from warmstart.service.stream import Sink
from warmstart.service.telemetry import Event

__all__ = ["INIT_ERROR_GRACE", "Life", "Owner", "Settings"]

_logger = logging.getLogger(__name__)

INIT_ERROR_GRACE = 0.5
"""Seconds a runtime has to exit after it has reported that its INIT failed."""


class Settings(Protocol):
    """What a sandbox needs to know of the service it lives in."""

    @property
    def driver(self) -> Driver: ...
    @property
    def clock(self) -> Clock: ...
    def observer(self, event: Event) -> None: ...
    @property
    def region(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def function_variables(self) -> Mapping[str, str]: ...


class Owner(Protocol):
    """The pool, as its sandboxes see it."""

    def changed(self, sandbox: Life) -> None:
        """The environment has moved."""
        ...

    def init_failed(self, sandbox: Life, failure: Failure) -> None:
        """INIT failed; the environment serves nobody and is about to end."""
        ...


class Life(ABC):
    """An environment of one function, from its start to the last trace of it."""

    def __init__(
        self,
        function: Function,
        environment: Environment,
        initialization_type: str,
        settings: Settings,
        owner: Owner,
        driver: Driver | None = None,
    ) -> None:
        self.function = function
        self.environment = environment
        self._settings = settings
        self._clock = settings.clock
        self._owner = owner
        self._initialization_type = initialization_type
        self._loop = asyncio.get_running_loop()
        self.source = self._name_source()
        self._init = Init(initialization_type, "init", environment.since)
        self._stop_reason: str | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._old_age = self._loop.call_later(function.max_age, self._grow_old)
        self._too_old = False
        self.extensions = Extensions(invoke=environment.places == 1)
        self._supervisor = Supervisor(self, driver or settings.driver, settings.clock)
        self.telemetry = Subscribers(settings.clock, self._supervisor.connection)

    # What becomes of invocations

    @abstractmethod
    def serve(self, invocation: Invocation[Any]) -> None:
        """Hand over an event. The environment must be free."""

    @abstractmethod
    def refuse(self, error: InvokeError) -> None:
        """The callers of the invocations under way get `error`."""

    @abstractmethod
    def _end_invocations(self, fault: Fault) -> None:
        """There will be no answers any more."""

    @abstractmethod
    def _crashed(self, fault: Fault) -> None:
        """The runtime is gone, unasked, after its INIT."""

    @abstractmethod
    def _refuse_polls(self) -> None:
        """Whoever waits for an event gets none."""

    @property
    def account(self) -> str:
        """The id of the account."""
        return self._settings.account

    @property
    def memory(self) -> int | None:
        """The environment's peak memory in MB, as it was last read."""
        return self._supervisor.memory

    # The life of the processes

    async def run(self) -> None:
        """Run runtimes as they are needed; return when nothing of the environment is left."""
        try:
            restores = self._initialization_type == "snap-start"
            await self._supervisor.run(EnvironmentAPI(self, restores=restores))
        except EnclosureFailed as error:
            _logger.error("An environment of function %s is lost: %s", self.function.name, error)
            self._break_down(errors.sandbox_failure())
        except BaseException:
            # Ours. Whoever waits must not wait for ever.
            self._break_down(errors.sandbox_failure())
            raise
        finally:
            self._old_age.cancel()

    def starting(self) -> None:
        """A runtime is about to be started: INIT begins."""
        self.extensions.begin()
        self.telemetry.begin()
        self._begin_init()

    def _begin_init(self) -> None:
        init = self._init
        self._report_all([init.begin(self._clock.time(), self.source)])
        if init.phase == "init":
            limit = init.limit(self.function)
            self._deadline = self._loop.call_later(limit, self._init_timed_out, limit)

    def variables(self, places: Places, runtime_api: str) -> dict[str, str]:
        """The environment variables of the runtime."""
        return variables(
            self.function,
            places,
            runtime_api=runtime_api,
            region=self._settings.region,
            log_stream_name=self.source.log_stream,
            initialization_type=self._initialization_type,
            configured=self._settings.function_variables,
        )

    def output(self, line: str) -> None:
        """The runtime has written a line."""
        self._report(telemetry.Output, self._writer(), line)

    def _writer(self) -> str | None:
        """The invocation that writes now, if that can be known."""
        return None

    def exited(self, returncode: int | None, fault: Fault) -> None:
        """The runtime is gone, or could not be started (`None`)."""
        stopped = self.environment.state is State.SHUTDOWN
        if not stopped and not self._supervisor.dismissed:
            if self._init.over:
                self._crashed(fault)
            else:
                self._init_failed(fault)
        self._report(telemetry.Exit, self._stop_reason or "failure", returncode)
        if self.environment.state is State.SHUTDOWN:
            self._end(fault)
        self._stop_reason = None

    def extension_output(self, name: str, line: str) -> None:
        """An external extension has written a line."""
        self._report(telemetry.ExtensionOutput, name, line)

    def extension_exited(self, fault: Fault) -> None:
        """An external extension is gone, which none may be before the environment is."""
        ending = self.environment.state in (State.SHUTDOWN, State.EXITED)
        if ending or self._supervisor.dismissed:
            return
        if self._init.over:
            self._crashed(fault)
        else:
            self._init_failed(fault)
        if not self._supervisor.dismissed:  # the environment goes with it
            self._supervisor.kill()

    def disconnected(self) -> None:
        """Nothing of the runtime and its extensions is left."""
        self._refuse_polls()
        self.extensions.refuse_polls()

    def stopped(self) -> None:
        """SHUTDOWN began when there was no runtime."""
        self._end(errors.sandbox_failure())

    def _break_down(self, fault: Fault) -> None:
        """The service cannot go on with this environment."""
        if self.environment.state is State.EXITED:
            return
        self._supervisor.kill()
        if not self._init.over:
            self._end_init(fault)
            if self.environment.request_id is None:
                self._owner.init_failed(self, fault)
        if self.environment.state is not State.SHUTDOWN:
            self.environment.stop(self._clock.monotonic())
        self._end(fault)

    # SHUTDOWN

    def stop(self, reason: str) -> None:
        """SHUTDOWN: let the process end by itself, for a while."""
        if self._begin_shutdown(reason):
            self._supervisor.stop(reason)

    def abandon(self, error: InvokeError) -> None:
        """Stop because the service does; the callers of the invocations under way get `error`."""
        self.refuse(error)
        self.stop("spindown")

    def _begin_shutdown(self, reason: str) -> bool:
        if self.environment.state is State.SHUTDOWN or self.environment.state is State.EXITED:
            return False
        self._stop_reason = reason
        self.extensions.stop_waiting()
        self.environment.stop(self._clock.monotonic())
        self._cancel_deadline()
        if self._supervisor.occupied:
            self._owner.changed(self)
        else:
            self.stopped()
        return True

    def _end(self, fault: Fault) -> None:
        """There will be no runtime any more."""
        self.environment.exited(self._clock.monotonic())
        self._cancel_deadline()
        self._end_invocations(fault)
        if not self._init.over:
            self._init.cut_short()
        self._supervisor.wake()
        self._owner.changed(self)

    def _grow_old(self) -> None:
        self._too_old = True
        self._retire_if_old()

    def _retire_if_old(self) -> None:
        """Environments are replaced every few hours, on AWS too; one in use ends what it does."""
        if self._too_old and self.environment.state in (State.READY, State.RESET):
            self.stop("spindown")

    # INIT

    async def wait_initialized(self) -> None:
        """Return when INIT is done.

        Raises:
            InitFailed: it failed.
            ServiceFault: the environment was stopped before it was done.
        """
        await self._init.wait()

    def _end_init(self, failure: Failure | None) -> None:
        now, time = self._clock.monotonic(), self._clock.time()
        extensions = self.extensions.reports(time, self.source)
        self._report_all(self._init.end(failure, now, time, self.source, extensions))
        self.telemetry.close()

    def _init_failed(self, failure: Failure) -> None:
        """INIT failed, and the runtime is of no use any more."""
        self._cancel_deadline()
        self._end_init(failure)
        self._give_up(failure)

    def _give_up(self, failure: Failure) -> None:
        """End an environment whose only INIT has failed."""
        self._owner.init_failed(self, failure)
        reported = self.environment.state in (State.INIT_ERROR, State.RESTORE_ERROR)
        if self._begin_shutdown("timeout" if failure.status == "timeout" else "failure"):
            if reported:
                self._deadline = self._loop.call_later(INIT_ERROR_GRACE, self._supervisor.kill)
            else:
                self._supervisor.kill()

    def _init_timed_out(self, limit: float) -> None:
        self._init_failed(self._init.timed_out(limit))

    def _initialized(self) -> None:
        self._end_init(None)
        # For the report of an invocation in which the process dies.
        self._supervisor.max_memory_used(self._init.started)

    def begin_init_error(self) -> None:
        """`POST init/error`: its headers are here."""
        if self._is_left_over:
            raise Refusal(403, "InvalidStateTransition", "The runtime is being ended.")
        self.environment.init_error(self._clock.monotonic())

    def init_error(self, failure: Failure) -> None:
        """INIT failed, says the runtime, which should exit now."""
        if not self._init.over:
            self._init_failed(failure)

    # Restoring

    def restore_next(self) -> None:
        """`GET restore/next`: INIT is done. The environment goes on as its own only copy."""
        self.environment.restore_next(self._clock.monotonic())
        self._cancel_deadline()
        self._initialized()
        self._init = Restore(self._clock.monotonic())
        self._begin_init()
        self._owner.changed(self)

    def begin_restore_error(self) -> None:
        """`POST restore/error`: its headers are here."""
        self.environment.restore_error(self._clock.monotonic())

    def refusal(self, failure: Failure) -> InvokeError | None:
        """What a caller gets for whom the environment was started, if not the failure."""
        return self._init.refusal(failure)

    # What the runtime asks for (see `RuntimeAPI`)

    @abstractmethod
    async def next(self) -> Invocation[Any] | None:
        """`GET invocation/next`: wait for an event. `None`: there will be none any more."""

    @property
    def _is_left_over(self) -> bool:
        """Whether the runtime was dismissed, while an invocation waits for the next one's INIT."""
        return self._supervisor.dismissed and self.environment.state is State.SUPPRESSED_INIT

    def _once_ready(self, advance: Callable[[], None]) -> None:
        """The runtime asks for what is next: go on when all extensions do, too."""
        registry = self.extensions.registry
        registry.closed = True
        if registry.all_ready:
            advance()
        else:
            self.extensions.when_ready(advance)

    def subscribe(self, name: str, subscription: Subscription) -> bool:
        """An extension wants telemetry; false if it has had the same before.

        Raises:
            Refusal: INIT is over.
        """
        new = self.telemetry.subscribe(name, subscription)
        state = "Subscribed" if new else "Already subscribed"
        kind = subscription.api.record
        self._report(telemetry.TelemetrySubscription, kind, name, state, subscription.types)
        return new

    def _unless_ended(self, invocation: Invocation[Any] | None) -> Invocation[Any] | None:
        """What was waited for, unless its runtime has ended since it was handed over."""
        if invocation is None or self._serving_of(invocation.request_id) is None:
            return None
        return invocation

    @abstractmethod
    def _serving_of(self, request_id: str) -> Serving | None:
        """The invocation of that id, if it is under way."""

    @abstractmethod
    def end_response(self, request_id: str, failure: Failure | None) -> None:
        """The caller has its answer."""

    def deadline_ms(self, request_id: str) -> int:
        """When the invocation times out, in milliseconds since the epoch."""
        serving = self._serving_of(request_id)
        assert serving is not None
        left = serving.dispatched + self.function.timeout - self._clock.monotonic()
        return int((self._clock.time() + left) * 1000)

    def begin_response(self, request_id: str) -> None:
        """`POST invocation/{id}/response`: its headers are here."""
        now = self._clock.monotonic()
        self.environment.begin_response(request_id, now)
        self._note_first_byte(request_id, now)

    def begin_error(self, request_id: str) -> None:
        """`POST invocation/{id}/error`: its headers are here."""
        now = self._clock.monotonic()
        self.environment.begin_error(request_id, now)
        self._note_first_byte(request_id, now)

    def _note_first_byte(self, request_id: str, now: float) -> None:
        serving = self._serving_of(request_id)
        assert serving is not None
        serving.first_byte = now

    def respond(self, request_id: str, payload: bytes, content_type: str) -> None:
        """The whole response is here: answer the caller."""
        serving = self._serving_of(request_id)
        if serving is not None:
            serving.produced_bytes = len(payload)
            serving.invocation.respond(payload, content_type)
            self.end_response(request_id, None)

    def fail(self, request_id: str, failure: Failure) -> None:
        """The invocation failed; the runtime has said so, or its response could not be taken."""
        serving = self._serving_of(request_id)
        if serving is not None:
            payload = failure.payload(request_id)
            serving.produced_bytes = len(payload)
            serving.invocation.fail(failure.error_type, payload)
            self.end_response(request_id, failure)

    def begin_stream(self, request_id: str, content_type: str) -> Sink:
        """A streamed response begins, in the same turn in which its headers came."""
        serving = self._serving_of(request_id)
        assert serving is not None
        return serving.invocation.begin_stream(content_type)

    def truncated(self, request_id: str) -> None:
        """The connection ended within a response: the runtime is dead, or of no use any more."""
        if self._serving_of(request_id) is not None:
            self._supervisor.kill(errors.truncated())

    # Small things

    def _name_source(self) -> telemetry.Source:
        """The log stream as AWS names it: the day, the version, and the environment."""
        day = datetime.fromtimestamp(self._clock.time(), UTC).strftime("%Y/%m/%d")
        log_stream = f"{day}/[{self.function.version}]{self.environment.id}"
        return telemetry.Source(self.function, self.environment.id, log_stream)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _report(self, event: Callable[..., Event], *facts: object) -> None:
        self._tell(event(self._clock.time(), self.source, *facts))

    def _report_all(self, events: Iterable[Event]) -> None:
        for event in events:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        self._settings.observer(event)
        if self.telemetry.active:
            self.telemetry.observe(event)

    def _report_start(self, serving: Serving) -> None:
        self._tell(serving.start(self._clock.time(), self.source))

    def _report_end(self, serving: Serving, failure: Failure | None) -> None:
        """The invocation is done; its caller, if still there, hears of the failure."""
        self._supervisor.drain()
        now, time = self._clock.monotonic(), self._clock.time()
        memory = self._supervisor.max_memory_used(serving.dispatched)
        self._report_all(serving.end(failure, now, time, self.source, memory))
