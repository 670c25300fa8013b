"""An invocation in an environment: when what happened, and what is reported of it."""

from __future__ import annotations

import math
from typing import Any

from warmstart.service import telemetry
from warmstart.service.errors import Failure, Fault
from warmstart.service.invocation import Invocation
from warmstart.service.telemetry import Event, Source

__all__ = ["Serving", "outcome"]


class Serving:
    """One invocation, from when its event is handed over. Times are of the caller's clock.

    `init_duration_ms` or `restore_duration_ms` is set if it is the one that its environment
    was started for.
    """

    __slots__ = (
        "dispatched",
        "failure",
        "first_byte",
        "init_duration_ms",
        "invocation",
        "last_byte",
        "produced_bytes",
        "restore_duration_ms",
        "runtime_done",
    )

    def __init__(
        self,
        invocation: Invocation[Any],
        dispatched: float,
        init_duration_ms: float | None,
        restore_duration_ms: float | None = None,
    ) -> None:
        self.invocation = invocation
        self.dispatched = dispatched
        self.init_duration_ms = init_duration_ms
        self.restore_duration_ms = restore_duration_ms
        self.first_byte: float | None = None
        self.last_byte: float | None = None
        self.failure: Failure | None = None
        self.produced_bytes: int | None = None
        self.runtime_done: float | None = None

    @property
    def _trace_id(self) -> str | None:
        """The trace header, if the invocation is traced."""
        trace_id = self.invocation.trace_id
        return trace_id if "Sampled=1" in trace_id else None

    def start(self, time: float, source: Source) -> Event:
        """What there is to report of its beginning."""
        return telemetry.Start(
            time, source, self.invocation.request_id, source.function.version, self._trace_id
        )

    def end(
        self, failure: Failure | None, now: float, time: float, source: Source, memory: int | None
    ) -> list[Event]:
        """Answer the caller, if nobody has yet, and return what there is to report."""
        invocation = self.invocation
        overhead = None if self.runtime_done is None else (now - self.runtime_done) * 1000
        events: list[Event] = []
        if failure is not None:
            if not invocation.answered:
                invocation.fail(failure.error_type, failure.payload(invocation.request_id))
            if isinstance(failure, Fault):
                facts = (failure.status, failure.error_type, failure.message)
                events.append(telemetry.PlatformFault(time, source, invocation.request_id, *facts))
        if self.runtime_done is None:
            events.append(self.end_runtime(failure, now, time, source))
        duration = (now - self.dispatched) * 1000
        events.append(
            telemetry.Report(
                time,
                source,
                invocation.request_id,
                *outcome(failure or self.failure),
                duration,
                # INIT is billed: https://aws.amazon.com/blogs/compute/ (August 2025).
                math.ceil(duration + (self.init_duration_ms or 0.0))
                + math.ceil(self.restore_duration_ms or 0.0),
                source.function.memory_size,
                memory,
                self.init_duration_ms,
                self.restore_duration_ms,
                overhead,
                self._trace_id,
            )
        )
        return events

    def end_runtime(
        self, failure: Failure | None, now: float, time: float, source: Source
    ) -> Event:
        """The runtime is done, though extensions may not be; what there is to report."""
        self.runtime_done = now
        latency = transfer = None
        if self.first_byte is not None:
            latency = (self.first_byte - self.dispatched) * 1000
            if self.last_byte is not None:
                transfer = (self.last_byte - self.first_byte) * 1000
        return telemetry.RuntimeDone(
            time,
            source,
            self.invocation.request_id,
            *outcome(failure or self.failure),
            (now - self.dispatched) * 1000,
            latency,
            transfer,
            self.produced_bytes,
            self._trace_id,
        )


def outcome(failure: Failure | None) -> tuple[str, str | None]:
    """The status and error type of something that failed, or did not."""
    return ("success", None) if failure is None else (failure.status, failure.error_type)
