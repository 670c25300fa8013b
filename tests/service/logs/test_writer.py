"""Expected records: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from warmstart.service.function import Function
from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.records import record
from warmstart.service.logs.writer import LogWriter, message
from warmstart.service.telemetry import (
    Event,
    InitReport,
    InitRuntimeDone,
    InitStart,
    Output,
    Report,
    RuntimeDone,
    Source,
    Start,
)

TIME = 1665511200.0  # 2022-10-11T18:00:00Z
FUNCTION = Function(name="f", handler="app.handler", task_root="/var/task", log_format="JSON")
TEXT = replace(FUNCTION, log_format="Text")
STREAM = "2022/10/11/[$LATEST]e"

Level = Literal["DEBUG", "INFO", "WARN"]


def where(function: Function = FUNCTION) -> tuple[float, Source]:
    return TIME, Source(function, "e", STREAM)


RECORDS = [
    (
        InitStart(*where(), "on-demand", "python3.13"),
        "platform.initStart",
        {"initializationType": "on-demand", "phase": "init", "runtimeVersion": "python3.13"},
    ),
    (
        InitRuntimeDone(*where(), "on-demand", "success", None),
        "platform.initRuntimeDone",
        {"initializationType": "on-demand", "phase": "init", "status": "success"},
    ),
    (
        InitReport(*where(), "snap-start", "error", "Runtime.ImportModuleError", 125.33),
        "platform.initReport",
        {
            "initializationType": "snap-start",
            "phase": "init",
            "status": "error",
            "errorType": "Runtime.ImportModuleError",
            "metrics": {"durationMs": 125.33},
        },
    ),
    (
        Start(*where(), "6d68ca91", "$LATEST"),
        "platform.start",
        {"requestId": "6d68ca91", "version": "$LATEST"},
    ),
    (
        RuntimeDone(*where(), "6d68ca91", "success", None, 1000.0, 500.0, 250.0),
        "platform.runtimeDone",
        {
            "requestId": "6d68ca91",
            "status": "success",
            "metrics": {"durationMs": 1000.0},
            "spans": [
                {
                    "name": "responseLatency",
                    "start": "2022-10-11T17:59:59.000Z",
                    "durationMs": 500.0,
                },
                {
                    "name": "responseDuration",
                    "start": "2022-10-11T17:59:59.500Z",
                    "durationMs": 250.0,
                },
            ],
        },
    ),
    (
        Report(*where(), "6d68ca91", "timeout", "Sandbox.Timedout", 100.4, 101, 128, None, None),
        "platform.report",
        {
            "requestId": "6d68ca91",
            "status": "timeout",
            "errorType": "Sandbox.Timedout",
            "metrics": {"durationMs": 100.4, "billedDurationMs": 101, "memorySizeMB": 128},
        },
    ),
    (Output(*where(), "6d68ca91", "Hello"), "function", "Hello"),
]


@pytest.mark.parametrize(("event", "kind", "facts"), RECORDS, ids=[kind for _, kind, _ in RECORDS])
def test_each_event_is_worded_as_the_schema_has_it(event: Event, kind: str, facts: object) -> None:
    assert record(event) == {"time": "2022-10-11T18:00:00.000Z", "type": kind, "record": facts}


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("DEBUG", ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"]),
        ("INFO", ["initStart", "initReport", "start", "report"]),
        ("WARN", ["initReport", "report"]),
    ],
)
def test_the_system_level_keeps_what_amazon_keeps(level: Level, kept: list[str]) -> None:
    written = []
    for event, kind, _ in RECORDS:
        function = replace(FUNCTION, system_log_level=level, application_log_level="ERROR")
        text = message(replace(event, source=Source(function, "e", STREAM)))
        if kind != "function" and text is not None:
            written.append(json.loads(text)["type"].removeprefix("platform."))
    assert written == kept


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"level": "debug", "message": "m"}', False),
        ('{"level": "WARNING", "message": "m"}', True),
        ('{"message": "bears no level"}', False),
        ("plain text", True),
        ("{not json", True),
        pytest.param('{"level": ' + 100_000 * "[", True, id="nested"),
    ],
)
def test_a_line_below_the_functions_level_is_dropped(line: str, kept: bool) -> None:
    function = replace(FUNCTION, application_log_level="WARN")
    assert message(Output(*where(function), "id", line)) == (line if kept else None)


async def test_the_writer_keeps_each_line_in_its_environments_stream(tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    writer = LogWriter(files)
    writer.on_event(Start(*where(TEXT), "id", "$LATEST"))
    writer.on_event(Output(*where(TEXT), "id", "Hello"))
    files.flush()

    events: list[Any] = list(files.read("/aws/lambda/f", STREAM))

    assert [event.message for event in events] == ["START RequestId: id Version: $LATEST", "Hello"]
    assert {event.timestamp for event in events} == {int(TIME * 1000)}
