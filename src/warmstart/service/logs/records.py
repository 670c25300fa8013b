"""Platform events as records, as the Telemetry API and JSON logs word them. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from warmstart.service.telemetry import (
    Event,
    ExtensionInit,
    ExtensionOutput,
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
    TelemetrySubscription,
)

__all__ = ["Record", "record", "timestamp"]

Record = dict[str, Any]


def record(event: Event) -> Record | None:
    """The event as `{"time", "type", "record"}`; `None` if it has no such form."""
    worded = _worded(event)
    if worded is None:
        return None
    kind, facts = worded
    return {"time": timestamp(event.time), "type": kind, "record": facts}


def _worded(event: Event) -> tuple[str, object] | None:
    """The record's type, and what it says."""
    worded: tuple[str, object] | None = None
    match event:
        case Output():
            worded = "function", event.line
        case ExtensionOutput():
            worded = "extension", event.line
        case Start():
            facts: Record = {"requestId": event.request_id, "version": event.version}
            worded = "platform.start", facts | _tracing(event.trace_id)
        case RuntimeDone():
            worded = "platform.runtimeDone", _runtime_done(event)
        case Report():
            worded = "platform.report", _report(event)
        case InitStart() | InitRuntimeDone() | InitReport():
            worded = _init(event)
        case RestoreStart() | RestoreRuntimeDone() | RestoreReport():
            worded = _restore(event)
        case ExtensionInit():
            worded = "platform.extension", _extension(event)
        case TelemetrySubscription():
            facts = {"name": event.name, "state": event.state, "types": list(event.types)}
            worded = event.kind, facts
    return worded


def timestamp(time: float) -> str:
    """Seconds since the epoch as RFC 3339, in milliseconds and UTC."""
    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _runtime_done(event: RuntimeDone) -> Record:
    metrics: Record = {"durationMs": round(event.duration_ms, 3)}
    if event.produced_bytes is not None:
        metrics["producedBytes"] = event.produced_bytes
    return {
        "requestId": event.request_id,
        **_outcome(event.status, event.error_type),
        "metrics": metrics,
        **_as_spans(_spans(event)),
        **_tracing(event.trace_id),
    }


def _as_spans(spans: list[tuple[str, float, float]]) -> Record:
    """What took how long: a name, when it began (epoch seconds), and milliseconds."""
    if not spans:
        return {}
    return {
        "spans": [
            {"name": name, "start": timestamp(start), "durationMs": round(duration, 3)}
            for name, start, duration in spans
        ]
    }


def _tracing(trace_id: str | None) -> Record:
    if trace_id is None:
        return {}
    parent = [part[7:] for part in trace_id.split(";") if part.startswith("Parent=")]
    span = {"spanId": parent[0]} if parent else {}
    return {"tracing": {**span, "type": "X-Amzn-Trace-Id", "value": trace_id}}


def _extension(event: ExtensionInit) -> Record:
    facts: Record = {"name": event.name, "state": event.state, "events": list(event.events)}
    return facts if event.error_type is None else facts | {"errorType": event.error_type}


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
    spans = []
    if event.extension_overhead_ms is not None:
        began = event.time - event.extension_overhead_ms / 1000
        spans.append(("extensionOverhead", began, event.extension_overhead_ms))
    return {
        "requestId": event.request_id,
        **_outcome(event.status, event.error_type),
        "metrics": {name: value for name, value in metrics.items() if value is not None},
        **_as_spans(spans),
        **_tracing(event.trace_id),
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
