"""Extensions as users have them: programs in a layer, and threads of the runtime."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.service import contained
from tests.service.contained import driver, engine
from tests.service.real import RAW_RUNTIME, function, serving
from tests.service.scripted import Observed
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.views import Views
from warmstart.service.errors import InitFailed
from warmstart.service.function import Function
from warmstart.service.service import Service
from warmstart.service.telemetry import (
    Exit,
    ExtensionInit,
    ExtensionOutput,
    InitReport,
    PlatformFault,
    Report,
    RuntimeDone,
    Start,
    TelemetrySubscription,
)

__all__ = ["driver", "engine"]

pytestmark = contained.patient

PROGRAM = Path(__file__).with_name("raw_extension.py").read_text()


@dataclass
class Place:
    """Where a test's environments are: the directory of their layers, what runs them, a Python."""

    layers: Path
    driver: DockerDriver | None
    python: str

    def extended(self, *names: str, handler: str = "echo", **settings: Any) -> Function:
        """A function whose layers hold these extensions."""
        for name in names:
            program = self.layers / "extensions" / name
            program.write_text(f"#!{self.python}\n{PROGRAM}")
            program.chmod(0o755)
        defaults = {"command": (self.python, RAW_RUNTIME, handler)} | contained.PATIENCE
        settings = defaults | settings
        return function(handler, layers_directory=str(self.layers), **settings)

    @asynccontextmanager
    async def serving(self, function: Function) -> AsyncIterator[tuple[Service, Observed]]:
        """A service of it; nothing may be left when it ends."""
        if self.driver is None:
            async with serving(function) as found:
                yield found
        else:
            async with contained.serving(self.driver, function) as found:
                yield found


@pytest.fixture(params=["asyncio", "uvloop", "docker"])
def kind(request: pytest.FixtureRequest) -> str:
    """Processes on either loop, or containers."""
    found: str = request.param
    return found


processes = pytest.mark.parametrize("kind", ["asyncio", "uvloop"], indirect=True)


@pytest.fixture
def anyio_backend(kind: str) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": kind == "uvloop"}


@pytest.fixture
def place(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    layers = tmp_path / "layers"
    (layers / "extensions").mkdir(parents=True)
    if kind != "docker":
        return Place(layers, None, sys.executable)
    return Place(layers, request.getfixturevalue("driver"), "/usr/bin/python3")


def said(observed: Observed, what: str) -> list[Any]:
    """What extensions have said of something."""
    lines = [event.line.partition(" ") for event in observed.of(ExtensionOutput)]
    return [json.loads(fact) for word, _, fact in lines if word == what]


async def test_an_external_extension_hears_of_invocations_and_of_the_end(place: Place) -> None:
    async with place.serving(place.extended("listen", timeout=20.0)) as (service, observed):
        first = await service.invoke("f", b"1", request_id="one", trace_id="Root=1-a;Sampled=1")
        await service.invoke("f", b"2", request_id="two")
        assert first.payload == b"1"
        await observed.wait_for(Report, 2)
        await service.aclose()

        [registered] = said(observed, "registered")
        one, two, end = said(observed, "event")
    assert registered == {
        "functionName": "f",
        "functionVersion": "$LATEST",
        "handler": "echo",
        "accountId": "123456789012",
    }
    deadlines = [event.pop("deadlineMs") for event in (one, two, end)]
    starts = [event.time * 1000 for event in observed.of(Start)]
    assert all(0 < at - start <= 20_100 for at, start in zip(deadlines, starts, strict=False))
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    trace = {"type": "X-Amzn-Trace-Id", "value": "Root=1-a;Sampled=1"}
    assert one == {
        "eventType": "INVOKE",
        "requestId": "one",
        "invokedFunctionArn": arn,
        "tracing": trace,
    }
    assert two["requestId"] == "two"
    assert end == {"eventType": "SHUTDOWN", "shutdownReason": "spindown"}
    assert [(e.name, e.state, e.events) for e in observed.of(ExtensionInit)] == [
        ("listen", "Ready", ("INVOKE", "SHUTDOWN"))
    ]


async def test_an_extension_has_no_variables_of_the_runtime(place: Place) -> None:
    environment = {"MINE": "yes"}
    async with place.serving(place.extended("listen", environment=environment)) as (
        service,
        observed,
    ):
        await service.invoke("f", b"")
        [variables] = said(observed, "variables")

    assert {"MINE", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION"} <= {
        *variables
    }
    # https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
    assert not {
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "PYTHONPATH",
    } & {*variables}
    assert [name for name in variables if name.startswith("_")] == []


async def test_an_invocation_is_over_when_its_extensions_are_done_but_answered_before(
    place: Place,
) -> None:
    async with place.serving(place.extended("slow")) as (service, observed):
        await service.invoke("f", b"")
        done = await observed.wait_for(RuntimeDone)
        assert observed.of(Report) == []
        (place.layers / "done").touch()
        report = await observed.wait_for(Report)

    assert report.extension_overhead_ms is not None
    assert report.extension_overhead_ms > 0
    assert report.duration_ms > done.duration_ms
    assert report.status == done.status == "success"


async def test_an_extension_that_is_never_done_makes_the_invocation_time_out(
    place: Place,
) -> None:
    async with place.serving(place.extended("stuck", timeout=4.0)) as (service, observed):
        answer = await service.invoke("f", b"1")
        assert (answer.payload, answer.function_error) == (b"1", None)
        report = await observed.wait_for(Report)
        await observed.wait_for(Exit)

        assert report.status == "timeout"
        assert observed.of(PlatformFault)[0].message == "Task timed out after 4.00 seconds"
        assert [event.status for event in observed.of(RuntimeDone)] == ["success"]


@pytest.mark.parametrize(
    ("name", "error_type", "message", "state"),
    [
        ("leaves", "Extension.Crash", "exit status 3", "Started"),
        ("unready", "Extension.Crash", "exit code 0", "Registered"),
        ("init_error", "Extension.InitError", "exit status 2", "InitError"),
    ],
)
async def test_an_extension_that_ends_during_init_fails_it(
    place: Place, name: str, error_type: str, message: str, state: str
) -> None:
    failing = place.extended(name, suppressed_init=False)
    async with place.serving(failing) as (service, observed):
        answer = await service.invoke("f", b"")
        await observed.wait_for(Exit)

        error = json.loads(answer.payload)
        assert error["errorType"] == error_type
        assert error["errorMessage"].endswith(f"Error: {message}")
        assert observed.of(InitReport)[0].error_type == error_type
        assert observed.of(ExtensionInit)[0].state == state


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("crashes", "Extension.Crash", "exit status 4"),
        ("exit_error", "Extension.ExitError", "exit status 2"),
    ],
)
async def test_an_extension_that_ends_during_an_invocation_fails_it(
    place: Place, name: str, error_type: str, message: str
) -> None:
    async with place.serving(place.extended(name, handler="pid")) as (service, observed):
        answer = await service.invoke("f", b"20")

        error = json.loads(answer.payload)
        assert error["errorType"] == error_type
        assert error["errorMessage"].endswith(f"Error: {message}")
        assert (await observed.wait_for(Report)).error_type == error_type
        # Everything begins anew.
        again = await service.invoke("f", b"20")
        assert json.loads(again.payload)["errorType"] == error_type


async def test_an_extension_that_cannot_be_started_fails_init(place: Place) -> None:
    failing = place.extended("listen", suppressed_init=False)
    (place.layers / "extensions" / "listen").chmod(0o644)
    async with place.serving(failing) as (service, observed):
        answer = await service.invoke("f", b"")
        [report] = observed.of(ExtensionInit)

    error = json.loads(answer.payload)
    assert error["errorType"] == "Extension.LaunchError"
    assert error["errorMessage"].endswith("/extensions/listen: permission denied")
    assert (report.state, report.error_type) == ("LaunchError", "PermissionDenied")


async def test_more_extensions_than_ten_fail_init(place: Place) -> None:
    names = [f"silent{number}" for number in range(11)]
    async with place.serving(place.extended(*names, suppressed_init=False)) as (service, observed):
        answer = await service.invoke("f", b"")

    assert json.loads(answer.payload)["errorType"] == "Extension.LaunchError"
    assert observed.of(ExtensionInit)[-1].error_type == "TooManyExtensions"


async def test_init_times_out_while_an_extension_does_not_register(place: Place) -> None:
    waiting = place.extended("mute", init_timeout=0.5)
    async with place.serving(waiting) as (service, observed):
        with pytest.raises(InitFailed, match="Init timed out"):
            await service.start_environment("f")
        assert observed.of(InitReport)[0].status == "timeout"


async def test_extensions_are_turned_off_by_the_file_that_does_so_on_aws(place: Place) -> None:
    (place.layers / "disable-extensions-jwigqn8j").touch()
    async with place.serving(place.extended("leaves")) as (service, observed):
        assert (await service.invoke("f", b"1")).payload == b"1"
        assert observed.of(ExtensionInit) == []


async def test_the_extensions_of_a_timed_out_runtime_hear_why_and_are_started_anew(
    place: Place,
) -> None:
    both = place.extended("listen", handler="pid", timeout=4.0)
    async with place.serving(both) as (service, observed):
        timed_out = await service.invoke("f", b"20")
        assert json.loads(timed_out.payload)["errorType"] == "Sandbox.Timedout"
        invocations = 2
        # On a slow machine the INIT within it may take longer than these seconds.
        while (again := await service.invoke("f", b"0")).function_error is not None:
            invocations += 1
        assert int(again.payload) > 0
        await observed.wait_for(Report, invocations)

        events = [(e["eventType"], e.get("shutdownReason")) for e in said(observed, "event")]
        assert events[:2] == [("INVOKE", None), ("SHUTDOWN", "timeout")]
        assert events[-1] == ("INVOKE", None)
        assert len(events) == 3 or invocations > 2


async def test_an_extension_that_does_not_go_is_killed(
    place: Place,
) -> None:
    async with place.serving(place.extended("stays", "silent")) as (service, observed):
        await service.invoke("f", b"")
        await observed.wait_for(Report)
        await service.aclose()  # `serving` sees to it that nothing is left

        [event] = said(observed, "event")
        assert event["shutdownReason"] == "spindown"


@processes
async def test_a_shell_script_is_an_extension_too(place: Place) -> None:
    script = place.layers / "extensions" / "plain.sh"
    script.write_text("#!/bin/sh\necho hello from $0\nexec sleep 60\n")
    script.chmod(0o755)
    waiting = function("echo", layers_directory=str(place.layers), init_timeout=0.5)
    async with place.serving(waiting) as (service, observed):
        with pytest.raises(InitFailed):
            await service.start_environment("f")
        assert observed.of(ExtensionOutput)[0].line == f"hello from {script}"
        assert observed.of(ExtensionOutput)[0].name == "plain.sh"


async def test_telemetry_reaches_an_extension_from_the_beginning_of_init_on(place: Place) -> None:
    own = place.extended("telemetry", handler="talk", freeze=True)
    async with place.serving(own) as (service, observed):
        await service.invoke("f", b"word", request_id="id")
        await observed.wait_for(Report)
        await service.aclose()
        types = [each for batch in said(observed, "batch") for each in batch]
        subscribed = said(observed, "subscribed")

    assert subscribed == [[200, '"OK"']]
    assert [e.kind for e in observed.of(TelemetrySubscription)] == [
        "platform.telemetrySubscription"
    ]
    platform = [each for each in types if each.startswith("platform.")]
    assert platform == [
        "platform.initStart",
        "platform.telemetrySubscription",
        "platform.initRuntimeDone",
        "platform.extension",
        "platform.initReport",
        "platform.start",
        "platform.runtimeDone",
        "platform.report",
    ]
    assert "function" in types
    assert "extension" in types


@pytest.mark.skipif(Views.find() is None, reason="may not mount")
@processes
async def test_where_opt_is_opt_an_extension_listens_at_the_sandbox_s_own_name(
    place: Place,
) -> None:
    isolated = place.extended(
        "telemetry", isolated=True, environment={"LISTEN": "sandbox.localdomain"}
    )
    async with place.serving(isolated) as (service, observed):
        await service.invoke("f", b"")
        await observed.wait_for(Report)
        await service.aclose()

        types = {each for batch in said(observed, "batch") for each in batch}
        assert {"platform.initStart", "platform.start", "platform.report"} <= types


@processes
async def test_our_own_runtime_is_told_of_the_end_and_has_time_for_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'lifespan':\n"
        "        return\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.complete'})\n"
        "    await receive()\n"
        f"    open({str(tmp_path / 'ended')!r}, 'w').close()\n"
        "    await send({'type': 'lifespan.shutdown.complete'})\n"
    )
    app = Function(name="f", handler="app.app", task_root=str(tmp_path))
    async with serving(app) as (service, observed):
        await service.start_environment("f")
        [extension] = observed.of(ExtensionInit)

    assert (extension.name, extension.state, extension.events) == ("warmstart", "Ready", ())
    assert (tmp_path / "ended").exists()


@processes
async def test_extensions_work_with_awss_own_client(place: Place, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "handler.py").write_text("def handle(event, context):\n    return event\n")
    own = place.extended(
        "listen",
        task_root=str(code),
        environment={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    ric = Function(
        name="f",
        handler="handler.handle",
        task_root=own.task_root,
        layers_directory=own.layers_directory,
        environment=own.environment,
        command=(sys.executable, "-m", "awslambdaric", "handler.handle"),
    )
    async with place.serving(ric) as (service, observed):
        answers = [await service.invoke("f", b"%d" % number) for number in range(3)]
        await observed.wait_for(Report, 3)
        await service.aclose()

        kinds = [event["eventType"] for event in said(observed, "event")]
    assert [answer.payload for answer in answers] == [b"0", b"1", b"2"]
    assert kinds == ["INVOKE"] * 3 + ["SHUTDOWN"]


async def test_many_environments_have_extensions_of_their_own(place: Place) -> None:
    async with place.serving(place.extended("listen", handler="pid")) as (service, observed):
        answers = await asyncio.gather(*(service.invoke("f", b"0.5") for _ in range(3)))
        await observed.wait_for(Report, 3)

        assert [answer.function_error for answer in answers] == [None] * 3
        assert len({event.source.environment for event in observed.of(ExtensionInit)}) == 3
