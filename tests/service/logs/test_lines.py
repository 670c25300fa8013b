from __future__ import annotations

import pytest

from warmstart.service.function import Function
from warmstart.service.logs.lines import log_line
from warmstart.service.telemetry import (
    Event,
    Exit,
    ExtensionInit,
    ExtensionOutput,
    InitReport,
    InitRuntimeDone,
    InitStart,
    Output,
    Report,
    RuntimeDone,
    Source,
    Start,
    TelemetrySubscription,
)

FUNCTION = Function(name="f", handler="app.handler", task_root="/var/task")
WHERE = (0.0, Source(FUNCTION, "e", "2026/11/24/[$LATEST]e"))


def report(
    status: str = "success",
    error_type: str | None = None,
    memory: int | None = 36,
    init_duration_ms: float | None = None,
) -> Report:
    return Report(*WHERE, "id", status, error_type, 3.012, 4, 128, memory, init_duration_ms)


REPORT = "REPORT RequestId: id\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            InitStart(*WHERE, "on-demand", "python3.13"),
            "INIT_START Runtime Version: python3.13",
        ),
        (Start(*WHERE, "id", "$LATEST"), "START RequestId: id Version: $LATEST"),
        (Output(*WHERE, "id", "hello"), "hello"),
        (RuntimeDone(*WHERE, "id", "success", None, 3.0, 1.0, 1.0), "END RequestId: id"),
        (report(), REPORT + "Max Memory Used: 36 MB\t"),
        (
            report(init_duration_ms=110.1),
            REPORT + "Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t",
        ),
        (report(memory=None), REPORT),
        (report("timeout", "Sandbox.Timedout"), REPORT + "Max Memory Used: 36 MB\tStatus: timeout"),
        (
            report("error", "Runtime.ExitError"),
            REPORT + "Max Memory Used: 36 MB\tStatus: error\tError Type: Runtime.ExitError",
        ),
        (
            InitReport(*WHERE, "on-demand", "timeout", "Sandbox.Timedout", 1236.04),
            "INIT_REPORT Init Duration: 1236.04 ms\tPhase: init\tStatus: timeout",
        ),
        (
            InitReport(*WHERE, "on-demand", "error", "Runtime.ImportModuleError", 20.0),
            "INIT_REPORT Init Duration: 20.00 ms\tPhase: init"
            "\tStatus: error\tError Type: Runtime.ImportModuleError",
        ),
        (
            InitReport(*WHERE, "provisioned-concurrency", "success", None, 20.0),
            "INIT_REPORT Init Duration: 20.00 ms\tPhase: init",
        ),
        (InitReport(*WHERE, "on-demand", "success", None, 20.0), None),
        (InitRuntimeDone(*WHERE, "on-demand", "success", None), None),
        (Exit(*WHERE, "spindown", -15), None),
    ],
)
def test_each_event_leaves_the_line_that_aws_writes(event: Event, line: str | None) -> None:
    assert log_line(event) == line


# As CloudWatch Logs shows them.
@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ExtensionInit(*WHERE, "agent", "Ready", ("INVOKE", "SHUTDOWN"), None),
            "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE,SHUTDOWN]",
        ),
        (
            ExtensionInit(*WHERE, "agent", "LaunchError", (), "PermissionDenied"),
            "EXTENSION\tName: agent\tState: LaunchError\tEvents: []\tError Type: PermissionDenied",
        ),
        (
            TelemetrySubscription(
                *WHERE,
                "platform.telemetrySubscription",
                "agent",
                "Subscribed",
                ("platform", "function", "extension"),
            ),
            "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function, Extension]",
        ),
        (
            TelemetrySubscription(
                *WHERE, "platform.logsSubscription", "agent", "Subscribed", ("platform",)
            ),
            "LOGS\tName: agent\tState: Subscribed\tTypes: [Platform]",
        ),
        (ExtensionOutput(*WHERE, "agent", "hello"), "hello"),
    ],
)
def test_extensions_leave_lines_too(event: Event, line: str) -> None:
    assert log_line(event) == line
