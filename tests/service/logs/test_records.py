"""Expected records: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html"""

from __future__ import annotations

import pytest

from warmstart.service.function import Function
from warmstart.service.logs.records import record
from warmstart.service.telemetry import (
    Event,
    ExtensionInit,
    ExtensionOutput,
    Report,
    RuntimeDone,
    Source,
    Start,
    TelemetrySubscription,
)

FUNCTION = Function(name="f", handler="app.handler", task_root="/var/task")
WHERE = (1665511200.0, Source(FUNCTION, "e", "stream"))
TRACE = "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"
TRACING = {"spanId": "0efbd19962d95b05", "type": "X-Amzn-Trace-Id", "value": TRACE}


@pytest.mark.parametrize(
    ("event", "kind", "facts"),
    [
        (
            Start(*WHERE, "id", "$LATEST", TRACE),
            "platform.start",
            {"requestId": "id", "version": "$LATEST", "tracing": TRACING},
        ),
        (
            RuntimeDone(*WHERE, "id", "success", None, 140.0, None, None, 16, TRACE),
            "platform.runtimeDone",
            {
                "requestId": "id",
                "status": "success",
                "metrics": {"durationMs": 140.0, "producedBytes": 16},
                "tracing": TRACING,
            },
        ),
        (
            Report(
                *WHERE,
                "id",
                "success",
                None,
                693.92,
                694,
                128,
                84,
                None,
                extension_overhead_ms=500.0,
                trace_id="Root=1-a;Sampled=1",
            ),
            "platform.report",
            {
                "requestId": "id",
                "status": "success",
                "metrics": {
                    "durationMs": 693.92,
                    "billedDurationMs": 694,
                    "memorySizeMB": 128,
                    "maxMemoryUsedMB": 84,
                },
                "spans": [
                    {
                        "name": "extensionOverhead",
                        "start": "2022-10-11T17:59:59.500Z",
                        "durationMs": 500.0,
                    }
                ],
                "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-a;Sampled=1"},
            },
        ),
        (
            ExtensionInit(*WHERE, "my-extension", "Ready", ("SHUTDOWN", "INVOKE"), None),
            "platform.extension",
            {"name": "my-extension", "state": "Ready", "events": ["SHUTDOWN", "INVOKE"]},
        ),
        (
            ExtensionInit(*WHERE, "my-extension", "InitError", (), "Extension.Reason"),
            "platform.extension",
            {
                "name": "my-extension",
                "state": "InitError",
                "events": [],
                "errorType": "Extension.Reason",
            },
        ),
        (
            TelemetrySubscription(
                *WHERE,
                "platform.telemetrySubscription",
                "my-extension",
                "Subscribed",
                ("platform", "function"),
            ),
            "platform.telemetrySubscription",
            {"name": "my-extension", "state": "Subscribed", "types": ["platform", "function"]},
        ),
        (ExtensionOutput(*WHERE, "my-extension", "Hello"), "extension", "Hello"),
    ],
)
def test_extensions_and_traces_are_worded_as_the_schema_has_them(
    event: Event, kind: str, facts: object
) -> None:
    assert record(event) == {"time": "2022-10-11T18:00:00.000Z", "type": kind, "record": facts}
