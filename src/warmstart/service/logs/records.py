"""Platform events as records, as the Telemetry API and JSON logs word them. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from warmstart.service.telemetry import (
    Event,
    InitReport,
    InitRuntimeDone,
    InitStart,
    Output,
    Report,
    RestoreReport,
    RestoreRuntimeDone,
    RestoreStart,
    RuntimeDone,
    Start,
)

__all__ = ["record", "timestamp"]

Record = dict[str, Any]


def record(event: Event) -> Record | None:
    """The event as `{"time", "type", "record"}`; `None` if it has no such form."""
    kind: str | None = None
    facts: object = None
    match event:
        case Output():
            kind, facts = "function", event.line
        case Start():
            kind = "platform.start"
            facts = {"requestId": event.request_id, "version": event.version}
        case RuntimeDone():
            kind, facts = "platform.runtimeDone", _runtime_done(event)
        case Report():
            kind, facts = "platform.report", _report(event)
        case InitStart() | InitRuntimeDone() | InitReport():
            kind, facts = _init(event)
        case RestoreStart() | RestoreRuntimeDone() | RestoreReport():
            kind, facts = _restore(event)
    if kind is None:
        return None
    return {"time": timestamp(event.time), "type": kind, "record": facts}


def timestamp(time: float) -> str:
    """Seconds since the epoch as RFC 3339, in milliseconds and UTC."""
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _runtime_done(event: RuntimeDone) -> Record:
    spans = [
        {"name": name, "start": timestamp(start), "durationMs": round(duration, 3)}
        for name, start, duration in _spans(event)
    ]
    return {
        "requestId": event.request_id,
        **_outcome(event.status, event.error_type),
        "metrics": {"durationMs": round(event.duration_ms, 3)},
        **({"spans": spans} if spans else {}),
    }


def _spans(event: RuntimeDone) -> list[tuple[str, float, float]]:
    if event.response_latency_ms is None:
        return []
    started = event.time - event.duration_ms / 1000
    spans = [("responseLatency", started, event.response_latency_ms)]
    if event.response_duration_ms is not None:
        first_byte = started + event.response_latency_ms / 1000
        spans.append(("responseDuration", first_byte, event.response_duration_ms))
    return spans


def _report(event: Report) -> Record:
    metrics = {
        "durationMs": round(event.duration_ms, 3),
        "billedDurationMs": event.billed_duration_ms,
        "memorySizeMB": event.memory_size,
        "maxMemoryUsedMB": event.max_memory_used,
        "initDurationMs": event.init_duration_ms and round(event.init_duration_ms, 3),
        "restoreDurationMs": event.restore_duration_ms and round(event.restore_duration_ms, 3),
        "billedRestoreDurationMs": event.billed_restore_duration_ms,
    }
    return {
        "requestId": event.request_id,
        **_outcome(event.status, event.error_type),
        "metrics": {name: value for name, value in metrics.items() if value is not None},
    }


def _init(event: InitStart | InitRuntimeDone | InitReport) -> tuple[str, Record]:
    facts: Record = {"initializationType": event.initialization_type, "phase": event.phase}
    match event:
        case InitStart():
            return "platform.initStart", facts | {"runtimeVersion": event.runtime}
        case InitRuntimeDone():
            outcome = _outcome(event.status, event.error_type)
            return "platform.initRuntimeDone", facts | outcome
        case InitReport():
            outcome = _outcome(event.status, event.error_type)
            metrics = {"durationMs": round(event.duration_ms, 3)}
            return "platform.initReport", facts | outcome | {"metrics": metrics}


def _restore(event: RestoreStart | RestoreRuntimeDone | RestoreReport) -> tuple[str, Record]:
    match event:
        case RestoreStart():
            function = event.source.function
            facts: Record = {"functionName": function.name, "functionVersion": function.version}
            return "platform.restoreStart", facts | {"runtimeVersion": event.runtime}
        case RestoreRuntimeDone():
            return "platform.restoreRuntimeDone", _outcome(event.status, event.error_type)
        case RestoreReport():
            metrics = {"durationMs": round(event.duration_ms, 3)}
            outcome = _outcome(event.status, event.error_type)
            return "platform.restoreReport", outcome | {"metrics": metrics}


def _outcome(status: str, error_type: str | None) -> Record:
    return {"status": status} if error_type is None else {"status": status, "errorType": error_type}
