"""Lambda's text log lines. Pure formatting.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

from warmstart.service.logs.records import timestamp
from warmstart.service.telemetry import (
    Event,
    ExtensionInit,
    ExtensionOutput,
    InitReport,
    InitStart,
    Output,
    PlatformFault,
    Report,
    RestoreReport,
    RestoreStart,
    RuntimeDone,
    Start,
    TelemetrySubscription,
)

__all__ = ["log_line"]


def log_line(event: Event) -> str | None:
    """The line that the event leaves in the function's log; `None` if it leaves none."""
    line: str | None = None
    match event:
        case Output() | ExtensionOutput():
            line = event.line
        case Start():
            line = f"START RequestId: {event.request_id} Version: {event.version}"
        case PlatformFault():
            line = _fault(event)
        case RuntimeDone():
            line = f"END RequestId: {event.request_id}"
        case Report():
            line = _report(event)
        case _:
            line = _of_environment(event)
    return line


def _of_environment(event: Event) -> str | None:
    """The line of what is no invocation's."""
    line: str | None = None
    match event:
        case InitStart() if event.phase == "init":
            line = f"INIT_START Runtime Version: {event.runtime}"
        case InitReport():
            line = _init_report(event)
        case RestoreStart():
            line = f"RESTORE_START Runtime Version: {event.runtime}"
        case RestoreReport():
            parts = [f"RESTORE_REPORT Restore Duration: {event.duration_ms:.2f} ms"]
            line = "\t".join(parts + _outcome(event.status, event.error_type))
        case ExtensionInit():
            line = _extension(event)
        case TelemetrySubscription():
            line = _subscription(event)
    return line


def _fault(event: PlatformFault) -> str:
    if event.status == "timeout":
        return f"{timestamp(event.time)} {event.request_id} {event.message}\n\n"
    return f"RequestId: {event.request_id} Error: {event.message}\n{event.error_type}"


def _report(event: Report) -> str:
    parts = [
        f"REPORT RequestId: {event.request_id}",
        f"Duration: {event.duration_ms:.2f} ms",
        f"Billed Duration: {event.billed_duration_ms} ms",
        f"Memory Size: {event.memory_size} MB",
    ]
    if event.max_memory_used is not None:
        parts.append(f"Max Memory Used: {event.max_memory_used} MB")
    if event.init_duration_ms is not None:
        parts.append(f"Init Duration: {event.init_duration_ms:.2f} ms")
    if event.restore_duration_ms is not None:
        parts.append(f"Restore Duration: {event.restore_duration_ms:.2f} ms")
        parts.append(f"Billed Restore Duration: {event.billed_restore_duration_ms} ms")
    # A plain report ends in a tab, on AWS too.
    parts.extend(_outcome(event.status, event.error_type) or [""])
    return "\t".join(parts)


def _init_report(event: InitReport) -> str | None:
    """AWS writes a successful INIT of its own only where no invocation was waiting for it."""
    if event.status == "success" and event.initialization_type == "on-demand":
        return None
    parts = [f"INIT_REPORT Init Duration: {event.duration_ms:.2f} ms", f"Phase: {event.phase}"]
    return "\t".join(parts + _outcome(event.status, event.error_type))


def _extension(event: ExtensionInit) -> str:
    parts = [
        "EXTENSION",
        f"Name: {event.name}",
        f"State: {event.state}",
        f"Events: [{','.join(event.events)}]",
    ]
    if event.error_type is not None:
        parts.append(f"Error Type: {event.error_type}")
    return "\t".join(parts)


def _subscription(event: TelemetrySubscription) -> str:
    word = "LOGS" if event.kind == "platform.logsSubscription" else "TELEMETRY"
    types = ", ".join(each.capitalize() for each in event.types)
    return f"{word}\tName: {event.name}\tState: {event.state}\tTypes: [{types}]"


def _outcome(status: str, error_type: str | None) -> list[str]:
    if status == "success":
        return []
    outcome = [f"Status: {status}"]
    if status != "timeout" and error_type is not None:
        outcome.append(f"Error Type: {error_type}")
    return outcome
