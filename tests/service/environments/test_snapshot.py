"""Snapshots, with real processes: a template, and environments that are copies of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.service.real import exists, serving
from tests.service.scripted import Observed
from warmstart.invoke import SnapStartFailed
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.errors import InitFailed
from warmstart.service.function import Function
from warmstart.service.service import Service
from warmstart.service.telemetry import Exit, InitReport, InitStart, Output, RestoreReport, Start

CODE = Path(__file__).parents[1] / "snapped"

MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""Lets coverage see what runs in templates and copies, if it looks at all."""

SNAPPED = Function(
    name="f",
    version="1",
    handler="function.handler",
    task_root=str(CODE),
    timeout=20.0,
    memory_size=256,
    snap_start=True,
)


def snapped(leave: str = "", **settings: Any) -> Function:
    """The function, whose INIT leaves that behind."""
    variables = {"LEAVE": leave, "PYTHONDONTWRITEBYTECODE": "1"} | settings.pop("environment", {})
    return replace(SNAPPED, environment=MEASURED | variables, **settings)


@asynccontextmanager
async def of_snapshot(
    leave: str = "", driver: ProcessDriver | None = None, **settings: Any
) -> AsyncIterator[tuple[Service, Observed]]:
    async with serving(snapped(leave, **settings), driver=driver) as (service, observed):
        yield service, observed


async def call(service: Service, event: object = None) -> Any:
    result = await service.invoke("f", json.dumps(event).encode(), qualifier="1")
    assert result.function_error is None, result.payload
    return json.loads(result.payload)


@asynccontextmanager
async def meeting(count: int = 2) -> AsyncIterator[int]:
    """A port where each waits until so many are there."""
    there: list[asyncio.StreamWriter] = []

    async def come(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there.append(writer)
        if len(there) == count:
            for each in there:
                each.close()

    async with await asyncio.start_server(come, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def two(service: Service) -> list[Any]:
    """What two environments say that are in use at the same time."""
    async with meeting() as port:
        event = {"meet": port}
        return [*await asyncio.gather(call(service, event), call(service, event))]


def lines(observed: Observed) -> list[str]:
    return [event.line for event in observed.of(Output)]


async def test_each_environment_is_a_copy_with_all_that_is_its_own() -> None:
    async with of_snapshot() as (service, observed):
        one, other = await two(service)

        assert one["init"] == other["init"] not in {one["pid"], other["pid"]}
        for own in ("pid", "session", "random", "endpoint", "log_stream", "temporary", "group"):
            assert one[own] != other[own], own
        assert [each["session"] for each in (one, other)] == [one["pid"], other["pid"]]
        assert one["offset"] == other["offset"]  # each has read on from where INIT was
        assert len(observed.of(InitStart)) == 1
        assert len({event.source.log_stream for event in observed.of(RestoreReport)}) == 2


@pytest.mark.parametrize("as_user", [False, True], ids=["root", "user"])
async def test_each_has_a_tmp_of_its_own_with_what_init_wrote(as_user: bool) -> None:
    driver = ProcessDriver(as_user=as_user)
    async with of_snapshot(driver=driver, isolated=True) as (service, _):
        one, other = await two(service)

        for mine, others in ((one, other), (other, one)):
            if mine["temporary"] != "/tmp":
                pytest.skip("The system does not let us give it one.")
            assert {"of-init", f"of-{mine['pid']}"} <= set(mine["files"])
            assert f"of-{others['pid']}" not in mine["files"]


async def test_without_control_groups_it_is_the_same() -> None:
    async with of_snapshot(driver=ProcessDriver(limits=False)) as (service, _):
        one, other = await two(service)

        assert one["init"] == other["init"]
        assert one["pid"] != other["pid"]


async def test_the_hooks_run_in_the_template_and_in_each_copy() -> None:
    async with of_snapshot("hooks") as (service, _):
        for each in await two(service):
            assert each["told"] == [
                "before 2 template",
                "before 1 template",
                "after 1 copy",
                "after 2 copy",
            ]


async def test_a_before_snapshot_hook_that_fails_leaves_no_snapshot() -> None:
    with pytest.raises(InitFailed, match="before 1 failed") as caught:
        async with of_snapshot("hooks", environment={"FAIL": "before 1"}):
            pass
    assert caught.value.error_type == "Runtime.BeforeSnapshotError"


async def test_an_after_restore_hook_that_fails_is_the_callers_error_and_in_the_log() -> None:
    async with of_snapshot("hooks", environment={"FAIL": "after 2"}) as (service, observed):
        with pytest.raises(SnapStartFailed):
            await call(service)
        report = await observed.wait_for(RestoreReport)

        assert report.error_type == "Runtime.AfterRestoreError"
        await observed.wait_for(Exit)
        assert any("after 2 failed" in line for line in lines(observed))


async def test_an_init_that_fails_leaves_no_snapshot() -> None:
    with pytest.raises(InitFailed, match="No module named"):
        async with of_snapshot(handler="missing.handler"):
            pass


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("thread", "a thread running, 'waiting'"),
        ("native thread", "one that `threading` does not know"),
        ("epoll", "(epoll, descriptor "),
    ],
)
async def test_what_cannot_be_copied_is_named_and_started_in_the_ordinary_way(
    leave: str, said: str
) -> None:
    async with of_snapshot(leave) as (service, observed):
        answer = await call(service)

        assert answer["pid"] == answer["init"]
        (warning,) = [line for line in lines(observed) if "INIT left" in line][:1]
        assert said in warning
        assert "register_before_snapshot" in warning
        assert len(observed.of(RestoreReport)) == 1


async def test_a_connection_is_named_and_closed_in_the_copies() -> None:
    async with of_snapshot("socket") as (service, observed):
        assert await call(service, {"receive": True}) == ""
        said = [line for line in lines(observed) if "INIT left" in line]

        assert any("a connection to 127.0.0.1:" in line for line in said)


async def test_the_loop_of_an_app_that_init_started_works_in_each_copy() -> None:
    async with (
        of_snapshot(handler="function.app") as (service, observed),
        meeting() as port,
    ):
        answers = await asyncio.gather(*(call(service, request(port)) for _ in range(2)))
        (started, one), (also_started, other) = (each["body"].split() for each in answers)

        assert started == also_started
        assert len({started, one, other}) == 3
    ended = {line.split()[1] for line in lines(observed) if line.startswith("shutdown")}
    assert ended == {one, other}


def request(query: int) -> dict[str, Any]:
    """A request of a Function URL."""
    http = {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": str(query),
        "headers": {"host": "x"},
        "requestContext": {"http": http, "stage": "$default"},
        "isBase64Encoded": False,
    }


async def test_when_the_template_dies_its_copies_go_on_and_init_is_run_again() -> None:
    async with of_snapshot() as (service, observed):
        first = await call(service)
        os.kill(first["init"], signal.SIGKILL)
        await observed.wait_for(Exit)
        assert (await call(service))["pid"] == first["pid"]

        again, other = sorted(await two(service), key=lambda each: each["pid"] != first["pid"])
        assert again["pid"] == first["pid"]
        assert other["init"] not in {first["init"], other["pid"]}
        assert [report.status for report in observed.of(InitReport)] == ["success", "success"]
    assert not exists(first["pid"])


async def test_an_environment_that_is_killed_leaves_nothing_and_another_is_made() -> None:
    async with of_snapshot() as (service, observed):
        before = await call(service)
        result = await service.invoke("f", b'{"die": true}', qualifier="1")
        after = await call(service)

        assert result.function_error == "Unhandled"
        assert "signal: killed" in json.loads(result.payload)["errorMessage"]
        assert after["init"] == before["init"]
        assert after["pid"] != before["pid"]
        await observed.wait_for(Exit)
        (child,) = [line.split()[1] for line in lines(observed) if line.startswith("child")]
    assert not exists(int(child))
    assert not exists(before["pid"])


async def test_a_copy_is_frozen_between_its_invocations() -> None:
    async with of_snapshot() as (service, _):
        pid = (await call(service))["pid"]
        while _state(pid) != "T":  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0)
        assert (await call(service))["pid"] == pid


async def test_a_version_that_is_deleted_ends_its_template_with_its_last_environment() -> None:
    async with of_snapshot() as (service, observed):
        template = (await call(service))["init"]
        async with meeting(2) as port:
            busy = asyncio.ensure_future(call(service, {"meet": port}))
            await observed.wait_for(Start, 2)
            await service.delete_function("f")
            assert exists(template)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await busy
            writer.close()
        await observed.wait_for(Exit, 2)
        assert not exists(template)


def test_nothing_outlives_a_service_that_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "service.py"
    program.write_text(
        "import asyncio, json\n"
        "from tests.service.environments.test_snapshot import call, snapped\n"
        "from warmstart.service.service import Service\n"
        "async def main():\n"
        "    async with Service() as service:\n"
        "        await service.create_function(snapped())\n"
        "        print(json.dumps(await call(service)), flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    roots = [str(Path(__file__).parents[3]), *filter(None, sys.path)]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(roots)}
    with subprocess.Popen(
        [sys.executable, str(program)], env=variables, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        answer = json.loads(process.stdout.readline())
        process.kill()
    ProcessDriver()  # finds what the other has left, and ends it

    for pid in (answer["pid"], answer["init"]):
        while exists(pid):  # it has been told to end, and is about to
            os.sched_yield()
    assert not Path(answer["temporary"]).exists()


async def test_another_runtime_client_is_started_in_the_ordinary_way_with_its_hooks() -> None:
    pytest.importorskip("awslambdaric")
    command = (sys.executable, "-m", "awslambdaric", "function.handler")
    async with of_snapshot("hooks", command=command) as (service, observed):
        answer = await call(service)

        assert answer["pid"] == answer["init"]
        assert [each.split(maxsplit=2)[:2] for each in answer["told"]] == [
            ["before", "2"],
            ["before", "1"],
            ["after", "1"],
            ["after", "2"],
        ]
        assert len(observed.of(RestoreReport)) == 1


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
