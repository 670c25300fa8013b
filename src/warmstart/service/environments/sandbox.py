"""An environment that serves one invocation at a time, as most do.

An invocation has three moments: `serve` (its event is handed over; the timer
starts), the response (its caller is answered), and the next `next` (it is done,
background work included; its REPORT is written). A sandbox that fails in between
for whatever reason passes through `_end_invocation` all the same, so no caller
is forgotten and no START is without its REPORT.

A runtime that fails, whatever it fails at, is dismissed and the environment
reset: the next invocation gets a new one. Between invocations it is frozen.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from warmstart.invoke import InvokeError
from warmstart.service import errors
from warmstart.service.environments.environment import Environment, State
from warmstart.service.environments.init import Init, Restore
from warmstart.service.environments.life import INIT_ERROR_GRACE, Life, Owner, Settings
from warmstart.service.environments.serving import Serving
from warmstart.service.environments.snapshot import Snapshot
from warmstart.service.errors import Failure, Fault
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation

__all__ = ["Sandbox"]

_UNDER_WAY = {State.STARTED, State.SUPPRESSED_INIT, State.RESTORING, State.RESPONSE_SENT}
"""The states that end when the runtime asks for what is next."""


class Sandbox(Life):
    """An environment for one invocation at a time; made of `snapshot` if there is one."""

    def __init__(
        self,
        function: Function,
        generation: int,
        initialization_type: str,
        settings: Settings,
        owner: Owner,
        snapshot: Snapshot | None = None,
    ) -> None:
        now = settings.clock.monotonic()
        environment = Environment(secrets.token_hex(16), generation, now)
        super().__init__(function, environment, initialization_type, settings, owner, snapshot)
        if snapshot is not None:
            environment.restore(now)
            self._init = Restore(now)
        self._serving: Serving | None = None
        self._polls: asyncio.Future[Invocation[Any] | None] | None = None

    # Failing, and beginning anew

    def _crashed(self, fault: Fault) -> None:
        self._end_invocations(fault)
        self._reset("failure")

    def _end_invocations(self, fault: Fault) -> None:
        if self._serving is not None:
            self._end_invocation(fault)

    def refuse(self, error: InvokeError) -> None:
        """The caller of the invocation under way gets `error`."""
        if self._serving is not None:
            self._serving.invocation.refuse(error)

    def _reset(self, reason: str) -> None:
        """End the runtime; the next invocation gets a new one in the same environment."""
        if self._initialization_type == "snap-start":
            # Another one is made from the snapshot sooner than this one would be ready again.
            self.stop(reason)
            return
        self._cancel_deadline()
        self._stop_reason = reason
        self.environment.reset(self._clock.monotonic())
        self.extensions.stop_waiting()
        self._supervisor.dismiss(reason)
        self._refuse_polls()
        self._retire_if_old()
        self._owner.changed(self)

    def _end_init(self, failure: Failure | None) -> None:
        super()._end_init(failure)
        # One within an invocation comes before that one's START, on AWS too.
        if self._serving is not None:
            self._report_start(self._serving)

    def _init_failed(self, failure: Failure) -> None:
        if self._serving is None and not self._is_run_again():
            super()._init_failed(failure)
            return
        self._cancel_deadline()
        self._end_init(failure)
        if self._serving is not None:
            self._end_invocation(failure)
        if self.environment.state is State.INIT_ERROR:
            self._owner.changed(self)
            self._deadline = self._loop.call_later(INIT_ERROR_GRACE, self._reset, "failure")
        else:
            self._reset("timeout" if failure.status == "timeout" else "failure")

    def _is_run_again(self) -> bool:
        """Whether INIT is tried again when the environment gets an invocation."""
        return self._initialization_type == "on-demand" and self.function.suppressed_init

    # The invocation

    def serve(self, invocation: Invocation[Any]) -> None:
        """Hand over an event. The environment must be READY, or RESET."""
        now = self._clock.monotonic()
        reset = self.environment.state is State.RESET
        self.environment.assign(invocation.request_id, now)
        init_duration = restore_duration = None
        if self.environment.invocations == 1 and not reset:
            if self._initialization_type == "on-demand":
                init_duration = self._init.duration_ms
            elif self._initialization_type == "snap-start":
                restore_duration = self._init.duration_ms
        self._serving = serving = Serving(invocation, now, init_duration, restore_duration)
        self._deadline = self._loop.call_later(self.function.timeout, self._timed_out)
        if reset:
            self._init = Init(self._initialization_type, "invoke", now)
            self._supervisor.wake()
        else:
            self._report_start(serving)
            self._supervisor.thaw()
            self._invoke_extensions(serving)
        self._owner.changed(self)
        polls, self._polls = self._polls, None
        if polls is not None:
            polls.set_result(invocation)

    def _invoke_extensions(self, serving: Serving) -> None:
        if self.extensions.invoked:
            invocation = serving.invocation
            self.extensions.invoke(invocation, self.deadline_ms(invocation.request_id))

    def _timed_out(self) -> None:
        fault = errors.timed_out(self.function.timeout)
        if not self._init.over:
            self._init_failed(fault)
            return
        self._end_invocation(fault)
        self._reset("timeout")

    def _end_invocation(self, failure: Failure | None) -> None:
        """The invocation is done: `next` was asked for, or `failure` came in between."""
        serving, self._serving = self._serving, None
        assert serving is not None
        self._cancel_deadline()
        self._report_end(serving, failure)

    # What the runtime asks for (see `RuntimeAPI`)

    async def next(self) -> Invocation[Any] | None:
        """`GET invocation/next`: wait for an event. `None`: there will be none any more."""
        if self._is_left_over:
            return None
        if self.environment.state in _UNDER_WAY:
            serving = self._serving
            if serving is not None and self.extensions.invoked:
                self._end_runtime(serving)
            self._once_ready(self._advance)
        else:
            self.environment.next(self._clock.monotonic())
        if self.environment.state is State.RUNNING and self._serving is not None:
            return self._serving.invocation
        if self._polls is None:
            self._polls = self._loop.create_future()
        return self._unless_ended(await self._polls)

    def _end_runtime(self, serving: Serving) -> None:
        """The runtime is done with an invocation; its extensions may not be."""
        if self.environment.state is State.RESPONSE_SENT and serving.runtime_done is None:
            self._supervisor.drain()
            now, time = self._clock.monotonic(), self._clock.time()
            self._tell(serving.end_runtime(None, now, time, self.source))

    def _advance(self) -> None:
        """Runtime and extensions ask for what is next: INIT, or the invocation, is over."""
        before = self.environment.state
        self.environment.next(self._clock.monotonic())
        if before is State.RESPONSE_SENT:
            self._end_invocation(None)
        else:
            if self._serving is None:
                self._cancel_deadline()
            self._initialized()
            if self._serving is not None:
                self._begin_suppressed(self._serving)
        if self._too_old:
            self._retire_if_old()
        self._owner.changed(self)
        if self.environment.state is State.READY:
            self._supervisor.freeze()

    def _begin_suppressed(self, serving: Serving) -> None:
        """INIT, which was a part of the invocation, is over: hand the event to who waits."""
        self._invoke_extensions(serving)
        polls, self._polls = self._polls, None
        if polls is not None:
            polls.set_result(serving.invocation)

    def _serving_of(self, request_id: str) -> Serving | None:
        # What is left to read of a runtime that was dismissed is of another invocation.
        serving = self._serving
        if serving is not None and serving.invocation.request_id == request_id:
            return serving
        return None

    def end_response(self, request_id: str, failure: Failure | None) -> None:
        """The caller has its answer. What the runtime does until `next` is background work."""
        serving = self._serving_of(request_id)
        if serving is not None:
            serving.invocation.answered = True
            serving.failure = failure
            serving.last_byte = self._clock.monotonic()
            self.environment.end_response(serving.last_byte)
            self._owner.changed(self)

    def _refuse_polls(self) -> None:
        polls, self._polls = self._polls, None
        if polls is not None:
            polls.set_result(None)

    def _writer(self) -> str | None:
        return None if self._serving is None else self._serving.invocation.request_id
