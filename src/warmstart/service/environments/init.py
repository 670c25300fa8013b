"""One run of INIT: its clock, its end, and who waits for it."""

from __future__ import annotations

import asyncio

from warmstart.invoke import ServiceFault
from warmstart.service import telemetry
from warmstart.service.environments.serving import outcome
from warmstart.service.errors import Failure, InitFailed
from warmstart.service.telemetry import Event, Source

__all__ = ["Init", "init_timeout"]

ON_DEMAND_TIMEOUT = 10.0
"""Seconds that INIT may take when an invocation waits for it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

AHEAD_TIMEOUT = 130.0
"""Seconds that it may take at least when none does; else as long as an invocation may."""


def init_timeout(initialization_type: str, timeout: float) -> float:
    """How long INIT may take, in seconds, for a function of that timeout."""
    if initialization_type == "on-demand":
        return ON_DEMAND_TIMEOUT
    return max(AHEAD_TIMEOUT, timeout)


class Init:
    """The INIT of one runtime. `phase` is `invoke` if it is run within an invocation."""

    def __init__(self, initialization_type: str, phase: str, started: float) -> None:
        self.initialization_type = initialization_type
        self.phase = phase
        self.started = started
        self.over = False
        self.duration_ms: float | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Return when it is done.

        Raises:
            InitFailed: it failed.
            ServiceFault: the environment was stopped before it was done.
        """
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def end(self, failure: Failure | None, now: float, time: float, source: Source) -> list[Event]:
        """It is done, or has failed; what there is to report."""
        self.over = True
        self.duration_ms = (now - self.started) * 1000
        if self._waiter is not None and not self._waiter.done():
            if failure is None:
                self._waiter.set_result(None)
            else:
                self._waiter.set_exception(InitFailed(failure.error_type, failure.payload(None)))
        facts = (self.initialization_type, *outcome(failure))
        return [
            telemetry.InitRuntimeDone(time, source, *facts, self.phase),
            telemetry.InitReport(time, source, *facts, self.duration_ms, self.phase),
        ]

    def cut_short(self) -> None:
        """The environment was stopped before it was done."""
        self.over = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ServiceFault("The environment was stopped during its INIT."))
