"""What happens in environments, as the Telemetry API words it.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html

One `Observer` gets every event, in order, while it happens: it must be quick.
Each event bears the wall-clock time (seconds since the epoch) and its `Source`:
the environment, and where that one's logs go. `status` is success, error,
failure or timeout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from warmstart.service.function import Function

__all__ = [
    "Event",
    "Exit",
    "ExtensionInit",
    "ExtensionOutput",
    "InitReport",
    "InitRuntimeDone",
    "InitStart",
    "Observer",
    "Output",
    "PlatformFault",
    "Report",
    "RestoreReport",
    "RestoreRuntimeDone",
    "RestoreStart",
    "RuntimeDone",
    "Source",
    "Start",
    "TelemetrySubscription",
]


@dataclass(frozen=True, slots=True)
class Source:
    """An environment, by its id: the function as it was configured for it, and its log stream."""

    function: Function
    environment: str
    log_stream: str


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have."""

    time: float
    source: Source


@dataclass(frozen=True, slots=True)
class InitStart(Event):
    """`platform.initStart`: an environment's INIT begins, a cold start.

    `phase` is `invoke` for an INIT that is run again within an invocation.
    """

    initialization_type: str
    runtime: str
    phase: str = "init"


@dataclass(frozen=True, slots=True)
class InitRuntimeDone(Event):
    """`platform.initRuntimeDone`: the runtime is ready, or failed to become so."""

    initialization_type: str
    status: str
    error_type: str | None
    phase: str = "init"


@dataclass(frozen=True, slots=True)
class InitReport(Event):
    """`platform.initReport`: how long INIT took, in milliseconds."""

    initialization_type: str
    status: str
    error_type: str | None
    duration_ms: float
    phase: str = "init"


@dataclass(frozen=True, slots=True)
class RestoreStart(Event):
    """`platform.restoreStart`: an environment is being made from a snapshot."""

    runtime: str


@dataclass(frozen=True, slots=True)
class RestoreRuntimeDone(Event):
    """`platform.restoreRuntimeDone`: the after-restore hooks have run, or failed."""

    status: str
    error_type: str | None


@dataclass(frozen=True, slots=True)
class RestoreReport(Event):
    """`platform.restoreReport`: how long the restore took, hooks included, in milliseconds."""

    status: str
    error_type: str | None
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Start(Event):
    """`platform.start`: an invocation is handed to an environment.

    `trace_id` is the trace header of one that is traced, here and below.
    """

    request_id: str
    version: str
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class PlatformFault(Event):
    """`platform.fault`: the service ended an invocation, for a reason it tells in the log."""

    request_id: str
    status: str
    error_type: str
    message: str


@dataclass(frozen=True, slots=True)
class RuntimeDone(Event):
    """`platform.runtimeDone`: the runtime is done with an invocation, background work included.

    `response_latency_ms` is the time to the response's first byte and
    `response_duration_ms` from there to its last, `produced_bytes` its size; they are
    `None` if there was none.
    """

    request_id: str
    status: str
    error_type: str | None
    duration_ms: float
    response_latency_ms: float | None
    response_duration_ms: float | None
    produced_bytes: int | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Report(Event):
    """`platform.report`: what an invocation cost.

    `extension_overhead_ms` is how long extensions took after the runtime was done,
    `None` if there are none that are told of invocations. `init_duration_ms` is set
    on the first invocation of an environment that was started on demand,
    `restore_duration_ms` of one that was made from a snapshot.
    `max_memory_used` is the runtime's peak in MB, `None` where the system does not tell.
    """

    request_id: str
    status: str
    error_type: str | None
    duration_ms: float
    billed_duration_ms: int
    memory_size: int
    max_memory_used: int | None
    init_duration_ms: float | None
    restore_duration_ms: float | None = None
    extension_overhead_ms: float | None = None
    trace_id: str | None = None

    @property
    def billed_restore_duration_ms(self) -> int | None:
        """What of the restore is billed; `billed_duration_ms` contains it."""
        return None if self.restore_duration_ms is None else math.ceil(self.restore_duration_ms)


@dataclass(frozen=True, slots=True)
class Output(Event):
    """`function`: a line the function wrote to stdout or stderr, without its newline.

    `request_id` is the invocation it ran when it wrote it, `None` during INIT
    and SHUTDOWN.
    """

    request_id: str | None
    line: str


@dataclass(frozen=True, slots=True)
class ExtensionOutput(Event):
    """`extension`: a line that the external extension `name` wrote, without its newline."""

    name: str
    line: str


@dataclass(frozen=True, slots=True)
class ExtensionInit(Event):
    """`platform.extension`: where an extension was when INIT was over, or had failed."""

    name: str
    state: str
    events: tuple[str, ...]
    error_type: str | None


@dataclass(frozen=True, slots=True)
class TelemetrySubscription(Event):
    """`platform.telemetrySubscription`: an extension wants telemetry of these types.

    `kind` is the event's name, which the Logs API has another word for.
    """

    kind: str
    name: str
    state: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exit(Event):
    """The environment's process is gone. `reason` is spindown, timeout or failure.

    `returncode` is negative for a signal, `None` if no process could be started.
    """

    reason: str
    returncode: int | None


Observer = Callable[[Event], None]
