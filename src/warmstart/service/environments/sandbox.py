"""One living execution environment: a process, its endpoint, and the invocation it serves.

The sandbox joins three sources of events: its runtime's requests (through
`RuntimeAPI`), its process's output and end (through the driver), and its two
timers, for INIT and for the invocation. Each of them moves the pure
`Environment`, answers the invocation if there is something to answer, reports
to the observer, and lets the pool know (`changed`) so that it decides anew.

An invocation has three moments: `serve` (its event is handed over; the timer
starts), the response (its caller is answered), and the next `next` (it is done,
background work included; its REPORT is written). A sandbox that ends in between
for whatever reason passes through `_end_invocation` all the same, so no caller
is forgotten and no START is without its REPORT.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from warmstart.invoke import InvokeError, ServiceFault
from warmstart.service import errors, telemetry
from warmstart.service.clock import Clock
from warmstart.service.endpoints.endpoint import Endpoint
from warmstart.service.endpoints.runtime_api import RuntimeAPI
from warmstart.service.environments.environment import Environment, State
from warmstart.service.environments.process import Driver, Running
from warmstart.service.environments.variables import variables
from warmstart.service.errors import Failure, Fault, InitFailed
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation
from warmstart.service.stream import Sink
from warmstart.service.telemetry import Event

__all__ = ["Owner", "Sandbox", "Settings"]

SHUTDOWN_GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL, as AWS gives an environment with external extensions."""

INIT_ERROR_GRACE = 0.5
"""Seconds a runtime has to exit after it has reported that its INIT failed."""

MEMORY_INTERVAL = 0.1
"""Seconds between two readings of the peak memory, each of which costs some 20 µs."""


class Settings(Protocol):
    """What a sandbox needs to know of the service it lives in."""

    @property
    def driver(self) -> Driver: ...
    @property
    def clock(self) -> Clock: ...
    def observer(self, event: Event) -> None: ...
    @property
    def region(self) -> str: ...


class Owner(Protocol):
    """The pool, as its sandboxes see it."""

    def changed(self, sandbox: Sandbox) -> None:
        """The environment has moved."""
        ...

    def init_failed(self, sandbox: Sandbox, failure: Failure) -> None:
        """INIT failed; the environment serves nobody and is about to end."""
        ...


class Sandbox:
    """An environment of one function, from its start to the last trace of it."""

    def __init__(
        self,
        function: Function,
        generation: int,
        initialization_type: str,
        settings: Settings,
        owner: Owner,
    ) -> None:
        self.function = function
        self._settings = settings
        self._clock = settings.clock
        self._owner = owner
        self._initialization_type = initialization_type
        self._loop = asyncio.get_running_loop()
        self._started = self._clock.monotonic()
        self.environment = Environment(secrets.token_hex(16), generation, self._started)
        self.source = self._name_source()
        self._running: Running | None = None
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._polls: asyncio.Future[Invocation[Any] | None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._fault: Fault | None = None
        self._stop_reason: str | None = None
        self._memory: int | None = None
        self._memory_read = -math.inf
        # INIT
        self._init_over = False
        self._init_waiter: asyncio.Future[None] | None = None
        self._init_duration_ms: float | None = None
        # The invocation under way
        self._invocation: Invocation[Any] | None = None
        self._dispatched = 0.0
        self._first_byte: float | None = None
        self._last_byte: float | None = None
        self._outcome: Failure | None = None

    @property
    def memory(self) -> int | None:
        """The runtime's peak memory in MB, as it was last read."""
        return self._memory

    # The life of the process

    async def run(self) -> None:
        """Start the runtime, and return when nothing of it is left."""
        function = self.function
        self._report(telemetry.InitStart, self._initialization_type, function.runtime)
        self._deadline = self._loop.call_later(function.init_timeout, self._init_timed_out)
        endpoint: Endpoint | None = None
        try:
            endpoint = await Endpoint.open(RuntimeAPI(self))
            await self._start(endpoint.address)
            await self._ended
        except OSError as error:
            self._fault = errors.unstartable(function.arguments[0], function.task_root, error)
            self._exited(None)
        except BaseException:
            # Ours. Whoever waits must not wait for ever.
            self._fault = errors.sandbox_failure()
            if self._running is None:
                self._exited(None)
            else:
                self.kill("failure")
            raise
        finally:
            if endpoint is not None:
                await endpoint.close()
        if self._polls is not None:
            self._polls.set_result(None)
        if self._running is not None:
            await self._running.wait_closed()

    async def _start(self, runtime_api: str) -> None:
        def environment_variables(temporary_directory: str) -> dict[str, str]:
            return variables(
                self.function,
                runtime_api=runtime_api,
                region=self._settings.region,
                log_stream_name=self.source.log_stream,
                initialization_type=self._initialization_type,
                temporary_directory=temporary_directory,
            )

        self._running = await self._settings.driver.start(
            self.function.arguments,
            self.function.task_root,
            environment_variables,
            self._output,
            self._exited,
        )
        if self.environment.state is State.SHUTDOWN:
            self._running.kill()

    def stop(self, reason: str) -> None:
        """SHUTDOWN: let the process end by itself, for a while."""
        if self._begin_shutdown(reason) and self._running is not None:
            self._running.stop(SHUTDOWN_GRACE)

    def abandon(self, error: InvokeError) -> None:
        """Stop because the service does; the caller of the invocation under way gets `error`."""
        if self._invocation is not None:
            self._invocation.refuse(error)
        self.stop("spindown")

    def kill(self, reason: str) -> None:
        """End the process at once."""
        if self._begin_shutdown(reason) and self._running is not None:
            self._running.kill()

    def _begin_shutdown(self, reason: str) -> bool:
        if self.environment.state is State.SHUTDOWN or self.environment.state is State.EXITED:
            return False
        self._stop_reason = reason
        self.environment.stop(self._clock.monotonic())
        self._cancel_deadline()
        self._owner.changed(self)
        return True

    def _exited(self, returncode: int | None) -> None:
        """The process is gone, or could not be started (`None`)."""
        stopped = self.environment.state is State.SHUTDOWN
        self.environment.exited(self._clock.monotonic())
        self._cancel_deadline()
        if self._fault is not None and returncode in (None, -signal.SIGKILL):
            fault = self._fault
        else:
            fault = errors.exited(returncode or 0)
        if self._invocation is not None:
            self._end_invocation(fault)
        if not self._init_over:
            self._end_init(None if stopped else fault)
        self._report(telemetry.Exit, self._stop_reason or "failure", returncode)
        self._owner.changed(self)
        if returncode is not None:
            self._ended.set_result(None)

    # INIT

    async def wait_initialized(self) -> None:
        """Return when INIT is done.

        Raises:
            InitFailed: it failed.
            ServiceFault: the environment was stopped before it was done.
        """
        self._init_waiter = self._loop.create_future()
        await self._init_waiter

    def _end_init(self, failure: Failure | None) -> None:
        """INIT is over: done, failed, or (neither READY nor a failure) cut short by SHUTDOWN."""
        self._init_over = True
        ready = self.environment.state is State.READY
        status, error_type = _words(failure)
        if ready or failure is not None:
            duration = (self._clock.monotonic() - self._started) * 1000
            kind = self._initialization_type
            if kind == "on-demand":
                self._init_duration_ms = duration
            self._report(telemetry.InitRuntimeDone, kind, status, error_type)
            self._report(telemetry.InitReport, kind, status, error_type, duration)
        waiter = self._init_waiter
        if waiter is not None and not waiter.done():
            if failure is not None:
                waiter.set_exception(InitFailed(failure.error_type, failure.payload(None)))
            elif ready:
                waiter.set_result(None)
            else:
                waiter.set_exception(ServiceFault("The environment was stopped during its INIT."))
        if failure is not None:
            self._owner.init_failed(self, failure)

    def _init_timed_out(self) -> None:
        if not self._init_over:
            self._end_init(errors.init_timed_out(self.function.init_timeout))
        self.kill("timeout")

    # The invocation

    def serve(self, invocation: Invocation[Any]) -> None:
        """Hand over an event. The environment must be READY."""
        now = self._clock.monotonic()
        self.environment.assign(invocation.request_id, now)
        self._invocation = invocation
        self._dispatched = now
        self._first_byte = self._last_byte = self._outcome = None
        self._deadline = self._loop.call_later(self.function.timeout, self._timed_out)
        self._report(telemetry.Start, invocation.request_id, self.function.version)
        self._owner.changed(self)
        polls, self._polls = self._polls, None
        if polls is not None:
            polls.set_result(invocation)

    def _timed_out(self) -> None:
        self._end_invocation(errors.timed_out(self.function.timeout))
        self.kill("timeout")

    def _end_invocation(self, failure: Failure | None) -> None:
        """The invocation is done: `next` was asked for, or `failure` came in between."""
        invocation = self._invocation
        assert invocation is not None
        self._cancel_deadline()
        if self._running is not None:
            self._running.drain()
        self._invocation = None
        if failure is not None and not invocation.answered:
            invocation.fail(failure.error_type, failure.payload(invocation.request_id))
        self._report_invocation(invocation.request_id, failure or self._outcome)

    def _report_invocation(self, request_id: str, failure: Failure | None) -> None:
        status, error_type = _words(failure)
        duration = (self._clock.monotonic() - self._dispatched) * 1000
        init_duration = self._init_duration_ms if self.environment.invocations == 1 else None
        latency = transfer = None
        if self._first_byte is not None:
            latency = (self._first_byte - self._dispatched) * 1000
            if self._last_byte is not None:
                transfer = (self._last_byte - self._first_byte) * 1000
        self._report(
            telemetry.RuntimeDone, request_id, status, error_type, duration, latency, transfer
        )
        self._report(
            telemetry.Report,
            request_id,
            status,
            error_type,
            duration,
            # INIT is billed: https://aws.amazon.com/blogs/compute/ (August 2025).
            math.ceil(duration + (init_duration or 0.0)),
            self.function.memory_size,
            self._max_memory_used(),
            init_duration,
        )

    def _max_memory_used(self) -> int | None:
        now = self._clock.monotonic()
        if self._running is not None and now - self._memory_read >= MEMORY_INTERVAL:
            self._memory_read = now
            peak = self._running.peak_memory()
            if peak is not None:
                self._memory = math.ceil(peak / 2**20)
        return self._memory

    # What the runtime asks for (see `RuntimeAPI`)

    def deadline_ms(self) -> int:
        """When the invocation times out, in milliseconds since the epoch."""
        left = self._dispatched + self.function.timeout - self._clock.monotonic()
        return int((self._clock.time() + left) * 1000)

    async def next(self) -> Invocation[Any] | None:
        """`GET invocation/next`: wait for an event. `None`: there will be none any more."""
        before = self.environment.state
        self.environment.next(self._clock.monotonic())
        if before is not self.environment.state:
            if before is State.STARTED:
                self._cancel_deadline()
                self._end_init(None)
                # For the report of an invocation in which the process dies.
                self._max_memory_used()
            else:
                self._end_invocation(None)
            self._owner.changed(self)
        if self._invocation is not None:
            return self._invocation
        if self._polls is None:
            self._polls = self._loop.create_future()
        return await self._polls

    def begin_response(self, request_id: str) -> None:
        """`POST invocation/{id}/response`: its headers are here."""
        self.environment.begin_response(request_id, self._clock.monotonic())
        self._first_byte = self.environment.since

    def begin_error(self, request_id: str) -> None:
        """`POST invocation/{id}/error`: its headers are here."""
        self.environment.begin_error(request_id, self._clock.monotonic())
        self._first_byte = self.environment.since

    def respond(self, payload: bytes, content_type: str) -> None:
        """The whole response is here: answer the caller."""
        if self._invocation is not None:
            self._invocation.respond(payload, content_type)
            self.end_response(None)

    def fail(self, failure: Failure) -> None:
        """The invocation failed; the runtime has said so, or its response could not be taken."""
        if self._invocation is not None:
            payload = failure.payload(self._invocation.request_id)
            self._invocation.fail(failure.error_type, payload)
            self.end_response(failure)

    def begin_stream(self, content_type: str) -> Sink:
        """A streamed response begins, in the same turn in which its headers came."""
        assert self._invocation is not None
        return self._invocation.begin_stream(content_type)

    def end_response(self, failure: Failure | None) -> None:
        """The caller has its answer. What the runtime does until `next` is background work."""
        if self._invocation is not None:
            self._invocation.answered = True
            self._outcome = failure
            self._last_byte = self._clock.monotonic()
            self.environment.end_response(self._last_byte)
            self._owner.changed(self)

    def truncated(self) -> None:
        """The connection ended within a response: the runtime is dead, or of no use any more."""
        if self._invocation is not None:
            self._fault = errors.truncated()
            self.kill("failure")

    def begin_init_error(self) -> None:
        """`POST init/error`: its headers are here."""
        self.environment.init_error(self._clock.monotonic())

    def init_error(self, failure: Failure) -> None:
        """INIT failed, says the runtime, which should exit now."""
        if not self._init_over:
            self._cancel_deadline()
            self._end_init(failure)
            self._owner.changed(self)
            self._deadline = self._loop.call_later(INIT_ERROR_GRACE, self.kill, "failure")

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

    def _output(self, line: str) -> None:
        invocation = self._invocation
        self._report(telemetry.Output, invocation.request_id if invocation else None, line)

    def _report(self, event: Callable[..., Event], *facts: object) -> None:
        self._settings.observer(event(self._clock.time(), self.source, *facts))


def _words(failure: Failure | None) -> tuple[str, str | None]:
    return ("success", None) if failure is None else (failure.status, failure.error_type)
