"""SnapStart with runtimes that the test plays, none of which can be copied: the hooks run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.service.scripted import FUNCTION, ROOT, Client, Played, Stage, stage
from warmstart.invoke import InvokeResult, SnapStartFailed, SnapStartTimeout
from warmstart.service.environments import init
from warmstart.service.logs.lines import log_line
from warmstart.service.logs.records import record
from warmstart.service.telemetry import InitReport, Report, RestoreReport

SNAPPED = replace(FUNCTION, version="1", snap_start=True)
RESTORE_NEXT = f"{ROOT}/restore/next"
RESTORE_ERROR = f"{ROOT}/restore/error"


@asynccontextmanager
async def initialized() -> AsyncIterator[tuple[Stage, Played, Client, asyncio.Task[InvokeResult]]]:
    """A runtime that is through its INIT and its before-snapshot hooks, for an invocation."""
    async with stage(SNAPPED) as on:
        caller = asyncio.ensure_future(on.service.invoke("f", b"{}", qualifier="1"))
        played = await on.driver.started()
        async with played.connect() as client:
            answer = await client.call("GET", RESTORE_NEXT)
            assert (answer.status, answer.body) == (200, b"")
            yield on, played, client, caller


async def test_the_runtime_is_told_that_it_is_restored() -> None:
    async with initialized() as (on, played, client, caller):
        assert played.variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
        event = await client.next()
        await client.post(event.request_id, "response", b"1")
        client.send("GET", f"{ROOT}/invocation/next")

        assert (await caller).payload == b"1"
        report = await on.wait_for(Report)
        restored, (initialized_report,) = on.of(RestoreReport)[0], on.of(InitReport)
        assert initialized_report.initialization_type == "snap-start"
        assert report.init_duration_ms is None
        assert report.restore_duration_ms == restored.duration_ms


async def test_the_log_has_the_lines_of_a_restore() -> None:
    async with initialized() as (on, _, client, caller):
        event = await client.next()
        await client.post(event.request_id, "response", b"1")
        client.send("GET", f"{ROOT}/invocation/next")
        await caller
        await on.wait_for(Report)
        lines = [line for event in on.observed.events if (line := log_line(event)) is not None]
        kinds = [found["type"] for each in on.observed.events if (found := record(each))]

        assert [line.split()[0] for line in lines] == [
            "INIT_START",
            "INIT_REPORT",
            "RESTORE_START",
            "RESTORE_REPORT",
            "START",
            "END",
            "REPORT",
        ]
        assert "\tRestore Duration: " in lines[-1]
        assert "\tBilled Restore Duration: " in lines[-1]
        assert kinds[3:6] == [
            "platform.restoreStart",
            "platform.restoreRuntimeDone",
            "platform.restoreReport",
        ]


@pytest.mark.parametrize("call", ["restore", "init"])
async def test_a_failing_hook_is_told_the_caller_as_aws_tells_it(call: str) -> None:
    async with initialized() as (on, played, client, caller):
        headers = {"Lambda-Runtime-Function-Error-Type": "Runtime.AfterRestoreError"}
        answer = await client.call("POST", f"{ROOT}/{call}/error", headers, b"{}")
        assert answer.status == 202
        assert (await client.next()).status == 403
        played.exit(65)

        with pytest.raises(SnapStartFailed, match="afterRestore"):
            await caller
        (report,) = on.of(RestoreReport)
        assert report.error_type == "Runtime.AfterRestoreError"


async def test_a_restore_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "RESTORE_TIMEOUT", 0.0)
    async with initialized() as (_, _, _, caller):
        with pytest.raises(SnapStartTimeout):
            await caller


async def test_a_snapshot_is_passed_once() -> None:
    async with initialized() as (_, _, client, caller):
        for path, status in ((RESTORE_NEXT, 403), (f"{ROOT}/invocation/x/response", 400)):
            method = "GET" if path == RESTORE_NEXT else "POST"
            assert (await client.call(method, path, body=b"")).status == status
        await client.next()
        for method, path in (("GET", RESTORE_NEXT), ("POST", RESTORE_ERROR)):
            answer = await client.call(method, path, body=b"")
            assert (answer.status, answer.json()["errorType"]) == (403, "InvalidStateTransition")
        caller.cancel()


async def test_after_a_crash_another_environment_is_made() -> None:
    async with initialized() as (on, played, client, caller):
        await client.next()
        played.exit(1)
        assert (await caller).function_error == "Unhandled"
        again = asyncio.ensure_future(on.service.invoke("f", b"{}", qualifier="1"))
        other = await on.driver.started()

        names = [each.variables["AWS_LAMBDA_LOG_STREAM_NAME"] for each in (played, other)]
        assert names[0] != names[1]
        again.cancel()
