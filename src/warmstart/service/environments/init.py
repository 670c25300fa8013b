"""One run of INIT or of a restore: its clock, its end, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from warmstart.invoke import InvokeError, ServiceFault, SnapStartFailed, SnapStartTimeout
from warmstart.service import errors, telemetry
from warmstart.service.environments.serving import outcome
from warmstart.service.errors import Failure, Fault, InitFailed
from warmstart.service.function import Function
from warmstart.service.telemetry import Event, Source

__all__ = ["Init", "Restore"]

ON_DEMAND_TIMEOUT = 10.0
"""Seconds that INIT may take when an invocation waits for it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

AHEAD_TIMEOUT = 130.0
"""Seconds that it may take at least when none does; else as long as an invocation may."""


RESTORE_TIMEOUT = 10.0
"""Seconds that a restore may take, the after-restore hooks included.

https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks.html
"""


class Init:
    """The INIT of one runtime. `phase` is `invoke` if it is run within an invocation."""

    def __init__(self, initialization_type: str, phase: str, started: float) -> None:
        self.initialization_type = initialization_type
        self.phase = phase
        self.started = started
        self.over = False
        self.duration_ms: float | None = None
        self._waiter: asyncio.Future[None] | None = None

    def begin(self, time: float, source: Source) -> Event:
        """It begins; what there is to report."""
        runtime = source.function.runtime
        return telemetry.InitStart(time, source, self.initialization_type, runtime, self.phase)

    def limit(self, function: Function) -> float:
        """How long it may take, in seconds."""
        if function.init_timeout is not None:
            return function.init_timeout
        if self.initialization_type == "on-demand":
            return ON_DEMAND_TIMEOUT
        return max(AHEAD_TIMEOUT, function.timeout)

    def timed_out(self, limit: float) -> Fault:
        """It took longer than that."""
        return errors.init_timed_out(limit)

    def refusal(self, failure: Failure) -> InvokeError | None:
        """What a caller gets for whom it failed; `None`: the failure, as the function's."""
        return None

    async def wait(self) -> None:
        """Return when it is done.

        Raises:
            InitFailed: it failed.
            ServiceFault: the environment was stopped before it was done.
        """
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def end(
        self,
        failure: Failure | None,
        now: float,
        time: float,
        source: Source,
        extensions: Sequence[Event],
    ) -> list[Event]:
        """It is done, or has failed; what there is to report, with that of the extensions."""
        self._end(failure, now)
        assert self.duration_ms is not None
        facts = (self.initialization_type, *outcome(failure))
        return [
            telemetry.InitRuntimeDone(time, source, *facts, self.phase),
            *extensions,
            telemetry.InitReport(time, source, *facts, self.duration_ms, self.phase),
        ]

    def _end(self, failure: Failure | None, now: float) -> None:
        self.over = True
        self.duration_ms = (now - self.started) * 1000
        if self._waiter is not None and not self._waiter.done():
            if failure is None:
                self._waiter.set_result(None)
            else:
                self._waiter.set_exception(InitFailed(failure.error_type, failure.payload(None)))

    def cut_short(self) -> None:
        """The environment was stopped before it was done."""
        self.over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ServiceFault("The environment was stopped during its INIT."))


class Restore(Init):
    """From a snapshot to where the runtime asks for its first event."""

    def __init__(self, started: float) -> None:
        super().__init__("snap-start", "init", started)

    def begin(self, time: float, source: Source) -> Event:
        """It begins; what there is to report."""
        return telemetry.RestoreStart(time, source, source.function.runtime)

    def limit(self, function: Function) -> float:
        """How long it may take, in seconds."""
        return RESTORE_TIMEOUT

    def timed_out(self, limit: float) -> Fault:
        """It took longer than that."""
        return errors.restore_timed_out(limit)

    def refusal(self, failure: Failure) -> InvokeError | None:
        """What a caller gets for whom it failed."""
        if failure.status == "timeout":
            return SnapStartTimeout(
                "Lambda couldn't restore the snapshot within the timeout limit."
            )
        return SnapStartFailed(
            "The afterRestore() runtime hook encountered an error. For more information, check the"
            " Amazon CloudWatch logs."
        )

    def end(
        self,
        failure: Failure | None,
        now: float,
        time: float,
        source: Source,
        extensions: Sequence[Event],
    ) -> list[Event]:
        """It is done, or has failed; what there is to report. Of the extensions INIT has."""
        self._end(failure, now)
        assert self.duration_ms is not None
        return [
            telemetry.RestoreRuntimeDone(time, source, *outcome(failure)),
            telemetry.RestoreReport(time, source, *outcome(failure), self.duration_ms),
        ]
