"""Platform events as records of the older Logs API, which knows fewer and other ones. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
"""

from __future__ import annotations

from warmstart.service.logs.lines import log_line
from warmstart.service.logs.records import Record, record, timestamp
from warmstart.service.telemetry import (
    Event,
    ExtensionInit,
    ExtensionOutput,
    Output,
    PlatformFault,
    Report,
    RuntimeDone,
    Start,
    TelemetrySubscription,
)

__all__ = ["logs_api_records"]

_SAME = (Output, ExtensionOutput, ExtensionInit, TelemetrySubscription)


def logs_api_records(event: Event, version: str) -> list[Record]:
    """The event in the words of a schema version, 2020-08-15 or 2021-03-18."""
    match event:
        case Start():
            facts: Record = {"requestId": event.request_id, "version": event.version}
            return [_record(event, "platform.start", facts)]
        case PlatformFault():
            return [_record(event, "platform.fault", log_line(event))]
        case RuntimeDone():
            return _done(event, version)
        case Report():
            return [_record(event, "platform.report", _report(event))]
        case _:
            same = record(event) if isinstance(event, _SAME) else None
            return [] if same is None else [same]


def _record(event: Event, kind: str, facts: object) -> Record:
    return {"time": timestamp(event.time), "type": kind, "record": facts}


def _done(event: RuntimeDone, version: str) -> list[Record]:
    end = _record(event, "platform.end", {"requestId": event.request_id})
    if version == "2020-08-15":
        return [end]
    status = event.status if event.status in ("success", "timeout") else "failure"
    facts = {"requestId": event.request_id, "status": status}
    return [_record(event, "platform.runtimeDone", facts), end]


def _report(event: Report) -> Record:
    metrics = {
        "durationMs": round(event.duration_ms, 2),
        "billedDurationMs": event.billed_duration_ms,
        "memorySizeMB": event.memory_size,
        "maxMemoryUsedMB": event.max_memory_used,
        "initDurationMs": event.init_duration_ms and round(event.init_duration_ms, 2),
    }
    known = {name: value for name, value in metrics.items() if value is not None}
    return {"requestId": event.request_id, "metrics": known}
