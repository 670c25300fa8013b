"""The service with real processes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import warmstart
from tests.service.real import exists, function, serving
from warmstart.invoke import (
    MAX_PAYLOAD,
    InvalidRequestContent,
    RequestTooLarge,
    ResourceNotFound,
    ServiceFault,
    TooManyRequests,
)
from warmstart.service.errors import InitFailed
from warmstart.service.function import Function
from warmstart.service.logs.lines import log_line
from warmstart.service.service import Service
from warmstart.service.telemetry import Exit, InitReport, Output, Report, Start


async def test_ten_concurrent_requests_use_ten_environments_which_then_go() -> None:
    async with serving(function("pid", idle_timeout=0.2)) as (service, observed):
        results = await asyncio.gather(*(service.invoke("f", b"0.5") for _ in range(10)))
        await observed.wait_for(Exit, 10)

        assert len({result.payload for result in results}) == 10
        statistics = service.statistics()["f"]
        assert (statistics.started, statistics.idle, statistics.invocations) == (10, 0, 10)


async def test_a_sequential_client_keeps_one_environment() -> None:
    async with serving(function("echo")) as (service, _):
        for number in range(200):
            assert (await service.invoke("f", b"%d" % number)).payload == b"%d" % number

        # A loaded host may, now and then, delay the runtime beyond the grace it has.
        assert service.statistics()["f"].started <= 3


async def test_beyond_the_reserved_concurrency_a_request_is_refused_at_once() -> None:
    async with serving(function("pid")) as (service, _):
        service.set_reserved_concurrency("f", 1)
        first = asyncio.ensure_future(service.invoke("f", b"0.3"))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests) as caught:
            await service.invoke("f", b"0")

        assert caught.value.status == 429
        assert caught.value.message == "Rate Exceeded."
        assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert (await first).function_error is None


async def test_nothing_of_the_host_leaks_into_an_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOST_SECRET", "1")
    settings = {"environment": {"MINE": "yes"}, "task_root": str(tmp_path), "memory_size": 256}
    async with serving(function("surroundings", **settings)) as (service, _):
        facts = json.loads((await service.invoke("f", b"")).payload)
        variables = facts.pop("variables")

    assert facts == {"directory": str(tmp_path), "temporary": [], "stdin": "", "session": True}
    assert not os.path.exists(variables["TMPDIR"])  # noqa: ASYNC240 — nothing else runs now
    assert re.fullmatch(
        r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", variables.pop("AWS_LAMBDA_LOG_STREAM_NAME")
    )
    assert variables.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    for place in ("TMPDIR", "PATH", "LAMBDA_RUNTIME_DIR"):
        del variables[place]
    assert variables == {
        "MINE": "yes",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "_HANDLER": "surroundings",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "PWD": str(tmp_path),
        "LD_LIBRARY_PATH": f"{tmp_path}:{tmp_path}/lib",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "TZ": ":UTC",
        "SHLVL": "0",
    }


@pytest.mark.parametrize(
    ("handler", "event", "reason"),
    [
        ("leave", b"3", "Runtime exited with error: exit status 3"),
        ("leave", b"0", "Runtime exited without providing a reason"),
        ("die", b"%d" % signal.SIGKILL, "Runtime exited with error: signal: killed"),
        ("die", b"%d" % signal.SIGSEGV, "Runtime exited with error: signal: segmentation fault"),
    ],
)
async def test_a_runtime_that_ends_answers_its_caller_and_its_environment_is_reset(
    handler: str, event: bytes, reason: str
) -> None:
    async with serving(function(handler)) as (service, observed):
        for request_id in ("first", "second"):
            result = await service.invoke("f", event, request_id=request_id)
            assert result.function_error == "Unhandled"
            assert json.loads(result.payload) == {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: {reason}",
            }
        report = await observed.wait_for(Report, 2)

        assert (report.status, report.error_type) == ("error", "Runtime.ExitError")
        assert report.init_duration_ms is None
        assert service.statistics()["f"].started == 1
        assert len({event.source.log_stream for event in observed.events}) == 1


async def test_a_timeout_kills_the_runtime_and_the_next_request_starts_it_anew() -> None:
    async with serving(function("pid", timeout=0.5)) as (service, observed):
        result = await service.invoke("f", b"60", request_id="id")
        again = await service.invoke("f", b"0")
        report = observed.of(Report)[0]

        assert result.function_error == "Unhandled"
        assert json.loads(result.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: id Error: Task timed out after 0.50 seconds",
        }
        assert again.function_error is None
        assert (report.request_id, report.status) == ("id", "timeout")
        gone = await observed.wait_for(Exit)
        assert (gone.reason, gone.returncode) == ("timeout", -9)
        assert service.statistics()["f"].started == 1


async def test_a_response_posted_just_before_an_exit_counts() -> None:
    async with serving(function("respond_and_leave")) as (service, observed):
        for _ in range(10):
            assert (await service.invoke("f", b'"last words"')).payload == b'"last words"'
        await observed.wait_for(Exit, 10)


async def test_the_caller_does_not_wait_for_background_work_nor_does_the_next() -> None:
    async with serving(function("background")) as (service, _):
        first = await service.invoke("f", b"2")
        second = await service.invoke("f", b"0")

        assert first.payload != second.payload


async def test_background_work_ends_at_the_timeout() -> None:
    async with serving(function("background", timeout=0.5)) as (service, observed):
        result = await service.invoke("f", b"60")
        report = await observed.wait_for(Report)

        assert result.function_error is None
        assert report.status == "timeout"
        assert (await observed.wait_for(Exit)).reason == "timeout"


@pytest.mark.parametrize("handler", ["leave_in_init"])
async def test_an_environment_that_dies_in_init_answers_one_caller(handler: str) -> None:
    async with serving(function(handler)) as (service, _):
        results = await asyncio.gather(*(service.invoke("f", b"{}") for _ in range(3)))

        for result in results:
            assert json.loads(result.payload) == {
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {result.request_id} Error:"
                " Runtime exited with error: exit status 3",
            }
        assert service.statistics()["f"].started == 3
        with pytest.raises(InitFailed, match="exit status 3"):
            await service.start_environment("f")


async def test_an_init_that_takes_too_long_is_run_again_within_the_invocation() -> None:
    slow = function("hang_in_init", init_timeout=0.2, timeout=0.3)
    async with serving(slow) as (service, observed):
        result = await service.invoke("f", b"{}", request_id="id")

        assert json.loads(result.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: id Error: Task timed out after 0.30 seconds",
        }
        assert (await observed.wait_for(Exit, 2)).returncode == -9
        lines = [line for event in observed.events if (line := log_line(event)) is not None]
        assert [re.sub(r"\d+\.\d+ ms|\d+ (ms|MB)|^2\S+", "…", line) for line in lines] == [
            f"INIT_START Runtime Version: python3.{sys.version_info.minor}",
            "INIT_REPORT Init Duration: …\tPhase: init\tStatus: timeout",
            "INIT_REPORT Init Duration: …\tPhase: invoke\tStatus: timeout",
            "START RequestId: id Version: $LATEST",
            "… id Task timed out after 0.30 seconds\n\n",
            "END RequestId: id",
            "REPORT RequestId: id\tDuration: …\tBilled Duration: …\tMemory Size: …"
            "\tMax Memory Used: …\tStatus: timeout",
        ]


async def test_a_suppressed_init_that_succeeds_is_part_of_its_invocation() -> None:
    async with serving(function("late", init_timeout=0.3)) as (service, observed):
        result = await service.invoke("f", b'"x"', request_id="id")
        report = await observed.wait_for(Report)
        lines = [line for event in observed.events if (line := log_line(event)) is not None]

        assert (result.payload, result.function_error) == (b'"x"', None)
        assert (report.status, report.init_duration_ms) == ("success", None)
        assert "Status: timeout" in lines[1]
        assert lines[2:4] == ["START RequestId: id Version: $LATEST", "END RequestId: id"]
        assert [(e.phase, e.status) for e in observed.of(InitReport)] == [
            ("init", "timeout"),
            ("invoke", "success"),
        ]


async def test_a_runtime_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    (tmp_path / "bootstrap").write_text("#!/bin/sh\n")
    root = {"task_root": str(tmp_path), "command": (), "runtime": "provided.al2023"}
    functions = (
        function("echo", name="directory", task_root="/nowhere"),
        function("echo", name="command", command=("/no/such/bootstrap",)),
        function("echo", name="mode", **root),
        function("echo", name="none", **root | {"task_root": str(tmp_path.parent)}),
    )
    texts = {
        "directory": ("Runtime.InvalidWorkingDir", "chdir /nowhere: no such file or directory"),
        "command": (
            "Runtime.InvalidEntrypoint",
            "fork/exec /no/such/bootstrap: no such file or directory",
        ),
        "mode": (
            "Runtime.InvalidEntrypoint",
            f"fork/exec {tmp_path}/bootstrap: permission denied",
        ),
        "none": (
            "Runtime.InvalidEntrypoint",
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        ),
    }
    async with serving(*functions) as (service, observed):
        for name, (error_type, text) in texts.items():
            result = await service.invoke(name, b"{}", request_id="id")
            assert json.loads(result.payload) == {
                "errorType": error_type,
                "errorMessage": f"RequestId: id Error: {text}",
            }
        assert (await observed.wait_for(Exit, 8)).returncode is None
        assert f"RequestId: id Error: {text}\nRuntime.InvalidEntrypoint" in [
            log_line(event) for event in observed.events
        ]


async def test_what_is_in_tmp_outlives_a_reset_but_not_the_environment() -> None:
    async with serving(function("hoard")) as (service, _):
        service.set_reserved_concurrency("f", 1)  # on a busy host, too
        for count in (b"1", b"2", b"3"):
            await service.invoke("f", b"1")  # writes a file, and exits
            listed = await service.invoke("f", b"0")
            assert listed.payload == count
        assert service.statistics()["f"].started == 1


async def test_nothing_runs_between_invocations_unless_it_is_wanted() -> None:
    frozen, running = function("ticks"), function("ticks", name="g", freeze=False)
    async with serving(frozen, running) as (service, observed):
        for name in ("f", "g"):
            await service.invoke(name, b"")
        await observed.wait_for(Report, 2)
        before = [int((await service.invoke(name, b"")).payload) for name in ("f", "g")]
        await service.invoke("g", b"0.5")
        after = [int((await service.invoke(name, b"")).payload) for name in ("f", "g")]

        assert after[1] - before[1] > 3 * (after[0] - before[0])


async def test_environments_are_replaced_when_they_are_old() -> None:
    async with serving(function("pid", max_age=1.0)) as (service, observed):
        first = await service.invoke("f", b"0")
        assert (await observed.wait_for(Exit)).reason == "spindown"
        busy = await service.invoke("f", b"1.5")
        await observed.wait_for(Exit, 2)
        last = await service.invoke("f", b"0")

        assert busy.function_error is None
        assert len({first.payload, busy.payload, last.payload}) == 3


async def test_output_is_attributed_to_the_request_that_wrote_it() -> None:
    async with serving(function("talk")) as (service, observed):
        for number in range(20):
            await service.invoke("f", b"%d" % number, request_id=f"id-{number}")
        await observed.wait_for(Report, 20)
        written = [(event.request_id, event.line) for event in observed.of(Output)]

        expected: list[tuple[str | None, str]] = []
        for number in range(20):
            unfinished = f"{number - 1} unfinished" if number else ""
            expected.append((f"id-{number}", f"{unfinished}{number} out"))
            expected.append((f"id-{number}", f"{number} err"))
        assert written == expected
        for request_id in ("id-0", "id-19"):
            own = [e for e in observed.events if getattr(e, "request_id", None) == request_id]
            kinds = [type(event).__name__ for event in own]
            assert kinds == ["Start", "Output", "Output", "RuntimeDone", "Report"]


async def test_the_report_tells_what_an_invocation_cost() -> None:
    async with serving(function("echo", memory_size=256)) as (service, observed):
        await service.invoke("f", b"1")
        await observed.wait_for(Report)
        await service.invoke("f", b"2")
        await observed.wait_for(Report, 2)
        first, second = observed.of(Report)

        assert first.init_duration_ms is not None
        assert second.init_duration_ms is None
        assert first.billed_duration_ms >= first.duration_ms + first.init_duration_ms
        assert second.billed_duration_ms == int(second.duration_ms) + 1
        assert first.max_memory_used is not None
        assert 3 < first.max_memory_used < 100
        assert first.memory_size == 256


async def test_an_environment_started_ahead_of_demand_is_warm() -> None:
    async with serving(function("echo")) as (service, observed):
        await service.start_environment("f")
        await service.invoke("f", b"1")

        assert service.statistics()["f"].started == 1
        assert (await observed.wait_for(Report)).init_duration_ms is None


async def test_a_provisioned_environment_is_warm_and_says_what_it_is() -> None:
    async with serving(function("surroundings", version="1")) as (service, observed):
        service.set_provisioned_concurrency("f", "1", 2)
        await observed.wait_for(InitReport, 2)
        assert service.provisioned_concurrency("f", "1").status == "READY"
        result = await service.invoke("f", b"", qualifier="1")

        variables = json.loads(result.payload)["variables"]
        assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
        assert service.statistics()["f"].started == 2
        assert (await observed.wait_for(Report)).init_duration_ms is None


async def test_a_caller_that_leaves_does_not_stop_the_function() -> None:
    async with serving(function("pid")) as (service, observed):
        caller = asyncio.ensure_future(service.invoke("f", b"0.1"))
        await observed.wait_for(Start)
        caller.cancel()

        assert (await observed.wait_for(Report)).status == "success"


async def test_no_request_is_lost_while_updates_swap_the_environments() -> None:
    first = function("surroundings", environment={"VERSION": "0"})
    async with serving(first) as (service, observed):
        current = 0
        count = 0

        async def client() -> None:
            nonlocal count
            while current < 5:
                at_start = current
                result = await service.invoke("f", b"")
                assert result.function_error is None
                version = int(json.loads(result.payload)["variables"]["VERSION"])
                assert version >= at_start
                count += 1

        clients = [asyncio.ensure_future(client()) for _ in range(4)]
        for version in range(1, 6):
            await observed.wait_for(Report, 20 * version)
            current = version
            await service.update_function(replace(first, environment={"VERSION": str(version)}))
        await asyncio.gather(*clients)
        await service.invoke("f", b"")

        statistics = service.statistics()["f"]
        assert (statistics.throttles, statistics.invocations) == (0, count + 1)


async def test_an_update_lets_background_work_finish() -> None:
    async with serving(function("background")) as (service, observed):
        await service.invoke("f", b"0.3")
        await service.update_function(function("echo"))
        assert (await service.invoke("f", b'"new"')).payload == b'"new"'
        report = await observed.wait_for(Report, 2)

        assert report.status == "success"
        assert (await observed.wait_for(Exit)).reason == "spindown"


async def test_a_deleted_function_is_unknown_and_finishes_what_it_does() -> None:
    async with serving(function("pid")) as (service, observed):
        caller = asyncio.ensure_future(service.invoke("f", b"0.2"))
        await observed.wait_for(Start)
        await service.delete_function("f")

        with pytest.raises(ResourceNotFound) as caught:
            await service.invoke("f", b"")
        assert caught.value.message == (
            "Function not found: arn:aws:lambda:us-east-1:123456789012:function:f"
        )
        assert (await caller).function_error is None
        await observed.wait_for(Exit)


async def test_closing_answers_whoever_waits() -> None:
    async with serving(function("pid")) as (service, observed):
        running = asyncio.ensure_future(service.invoke("f", b"60"))
        await observed.wait_for(Start)
        waiting = asyncio.ensure_future(service.invoke("f", b"60"))
        await asyncio.sleep(0)
        starting = asyncio.ensure_future(service.start_environment("f"))
        await asyncio.sleep(0)
        await service.aclose()

        for caller in (running, waiting, starting):
            with pytest.raises(ServiceFault):
                await caller


async def test_what_a_function_has_started_ends_with_it() -> None:
    async with serving(function("child")) as (service, _):
        pid = int((await service.invoke("f", b"")).payload)
        assert exists(pid)

    async with asyncio.timeout(10):  # it is killed by now; init reaps it when it comes to it
        while exists(pid):  # noqa: ASYNC110 - a process tells nobody that it has gone
            await asyncio.sleep(0.01)


async def test_an_environment_without_extensions_is_killed_at_once() -> None:
    async with serving(function("stubborn")) as (service, observed):
        await service.invoke("f", b"")
        await observed.wait_for(Report)
        await service.aclose()

        assert (await observed.wait_for(Exit)).returncode == -9


async def test_nothing_is_left_of_many_environments() -> None:
    async with serving(function("leave")) as (service, observed):
        await asyncio.gather(*(service.invoke("f", b"1") for _ in range(20)))
        await asyncio.gather(*(service.invoke("f", b"1") for _ in range(20)))
        await observed.wait_for(Exit, 40)


async def test_calls_that_cannot_be_served_are_refused() -> None:
    async with Service() as service:
        await service.create_function(function("echo"))
        with pytest.raises(ValueError, match="already exist: f"):
            await service.create_function(function("echo"))
        with pytest.raises(ResourceNotFound):
            await service.invoke("g", b"{}")
        with pytest.raises(ResourceNotFound):
            await service.update_function(function("echo", name="g"))
        with pytest.raises(RequestTooLarge):
            await service.invoke("f", b"x" * (MAX_PAYLOAD + 1))
        with pytest.raises(InvalidRequestContent):
            await service.invoke("f", b"{}", client_context="not json")


async def test_the_largest_event_passes() -> None:
    async with serving(function("echo")) as (service, _):
        event = b"x" * MAX_PAYLOAD
        assert (await service.invoke("f", event)).payload == event


# Real runtime clients as judges.

APP = """
import asyncio, os
def handler(event, context):
    print("to the log")
    return {"event": event, "id": context.aws_request_id, "pid": os.getpid()}
def fails(event, context):
    raise ValueError("no")
"""


@pytest.fixture
def task_root(tmp_path: Path) -> str:
    (tmp_path / "app.py").write_text(APP)
    return str(tmp_path)


@pytest.mark.parametrize("client", ["awslambdaric", "warmstart.runtime"])
async def test_runtime_clients_work(client: str, task_root: str) -> None:
    if client == "awslambdaric":
        pytest.importorskip("awslambdaric")

    def of(name: str, handler: str) -> Function:
        command = (sys.executable, "-m", client, handler)
        variables = {"PYTHONPATH": str(Path(warmstart.__file__).parents[1])}
        return Function(
            name=name, handler=handler, task_root=task_root, command=command, environment=variables
        )

    functions = (of("ok", "app.handler"), of("fails", "app.fails"), of("missing", "app.missing"))
    async with serving(*functions) as (service, observed):
        large = await service.invoke("ok", json.dumps("x" * 100_000).encode())
        assert json.loads(large.payload)["event"] == "x" * 100_000
        await observed.wait_for(Report)
        result = await service.invoke("ok", b'{"a": 1}', request_id="id")
        fails = await service.invoke("fails", b"{}")
        missing = await service.invoke("missing", b"{}")
        await observed.wait_for(Report, 3)

        answer = json.loads(result.payload)
        assert (answer["event"], answer["id"]) == ({"a": 1}, "id")
        assert answer["pid"] == json.loads(large.payload)["pid"]
        assert ("id", "to the log") in [(e.request_id, e.line) for e in observed.of(Output)]
        assert fails.function_error == "Unhandled"
        assert json.loads(fails.payload)["errorType"] == "ValueError"
        assert json.loads(missing.payload)["errorType"] == "Runtime.HandlerNotFound"
        assert service.statistics()["ok"].started == 1
