"""Environments that are containers of a real engine: what they are given, kept from, and leave."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import docker
import pytest

from tests.engine import BASE
from tests.service.contained import (
    PATIENCE,
    answer,
    anyio_backend,
    call,
    containers,
    driver,
    engine,
    error,
    function,
    patient,
    serving,
)
from tests.service.real import places
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.engine import Engine, EngineUnavailable
from warmstart.service.function import Function, Image
from warmstart.service.telemetry import Output, Report

__all__ = ["anyio_backend", "driver", "engine"]

pytestmark = patient

HOSTILE = """
import json, os, socket

def _tried(action):
    try:
        return repr(action())
    except OSError as error:
        return type(error).__name__

def echo(event, context):
    print("said", event)
    return event

def places(event, context):
    open("/tmp/mine", "a").write("x")
    return {
        "directory": os.getcwd(), "user": os.getuid(), "temporary": os.listdir("/tmp"),
        "task": sorted(os.listdir("/var/task")), "api": os.environ["AWS_LAMBDA_RUNTIME_API"],
        "processes": [name for name in os.listdir("/proc") if name.isdecimal()],
    }

def write(event, context):
    return {path: _tried(lambda: open(path + "/x", "w").write("x")) for path in event}

def connect(event, context):
    return [_tried(lambda: socket.create_connection(tuple(each), 1)) for each in event]

def privileges(event, context):
    status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines()
                  if ":\\t" in line)
    return {name: status[name].strip() for name in ("CapEff", "CapBnd", "NoNewPrivs")}

def eat(event, context):
    open("/tmp/mine", "a").write("x")
    bytearray(event << 20)
    return os.listdir("/tmp")

def leave(event, context):
    os._exit(event)

def fill(event, context):
    return _tried(lambda: open("/tmp/full", "wb").write(bytes(event << 20)))
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Code that anybody can read, as the code store has it."""
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text(HOSTILE)
    return tmp_path


async def test_a_function_finds_aws_s_places_and_itself_alone(
    driver: DockerDriver, code: Path
) -> None:
    found = await call(driver, function(code, "places"))

    assert found["directory"] == "/var/task"
    assert found["task"] == ["main.py"]
    assert found["temporary"] == ["mine"]
    assert found["user"] == 993
    assert found["api"] == "127.0.0.1:9001"
    assert found["processes"][0] == "1"
    assert len(found["processes"]) == 2


async def test_nothing_but_tmp_can_be_written_to(driver: DockerDriver, code: Path) -> None:
    elsewhere = ["/", "/var/task", "/var/runtime", "/opt", "/etc", "/dev", "/dev/shm", "/proc"]
    found = await call(driver, function(code, "write"), ["/tmp", *elsewhere])

    assert found.pop("/tmp") == "1"
    assert set(found) == set(elsewhere)
    assert not [outcome for outcome in found.values() if outcome.isdecimal()]


async def test_tmp_has_its_configured_size(driver: DockerDriver, code: Path) -> None:
    small = function(code, "fill", ephemeral_storage=16, memory_size=256)
    assert await call(driver, small, 32) == "OSError"
    assert await call(driver, small, 8) == str(8 << 20)


async def test_no_privileges_are_left(driver: DockerDriver, code: Path) -> None:
    assert await call(driver, function(code, "privileges")) == {
        "CapEff": "0000000000000000",
        "CapBnd": "0000000000000000",
        "NoNewPrivs": "1",
    }


async def test_the_host_s_services_cannot_be_reached(driver: DockerDriver, code: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as local, socket.create_server(("", 0)) as any_:
        addresses = [
            ["127.0.0.1", local.getsockname()[1]],
            ["127.0.0.1", any_.getsockname()[1]],
            ["172.17.0.1", any_.getsockname()[1]],
            ["169.254.169.254", 80],
        ]
        found = await call(driver, function(code, "connect"), addresses)

    assert found == ["ConnectionRefusedError"] * 2 + ["OSError"] * 2


async def test_environments_see_nothing_of_each_other(driver: DockerDriver, code: Path) -> None:
    one, two = function(code, "places"), function(code, "places", name="g")
    async with serving(driver, one, two) as (service, _):
        first = answer(await service.invoke("f", b"0"))
        again = answer(await service.invoke("f", b"0"))
        other = answer(await service.invoke("g", b"0"))

    assert first["temporary"] == again["temporary"] == other["temporary"] == ["mine"]
    assert len(other["processes"]) == 2


async def test_what_a_function_writes_is_in_its_log(driver: DockerDriver, code: Path) -> None:
    async with serving(driver, function(code, "echo")) as (service, observed):
        await service.invoke("f", b"1")
        output = await observed.wait_for(Output)
    assert output.line == "said 1"


async def test_too_much_memory_ends_the_runtime_and_leaves_tmp(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "eat")) as (service, observed):
        before = answer(await service.invoke("f", b"1"))
        result = await service.invoke("f", b"300")
        after = answer(await service.invoke("f", b"1"))
        report = await observed.wait_for(Report, 2)

    assert error(result) == ("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
    assert (report.error_type, report.max_memory_used) == ("Runtime.OutOfMemory", 128)
    assert before == after == ["mine"]


async def test_an_exit_is_told_with_its_status(driver: DockerDriver, code: Path) -> None:
    async with serving(driver, function(code, "leave")) as (service, _):
        result = await service.invoke("f", b"7")

    assert error(result) == ("Runtime.ExitError", "Runtime exited with error: exit status 7")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            Image(uri=BASE, entry_point=("/nothing",)),
            ("Runtime.InvalidEntrypoint", "fork/exec /nothing: no such file or directory"),
        ),
        (
            Image(uri=BASE, entry_point=("nothing",), command=("x",)),
            ("Runtime.InvalidEntrypoint", "fork/exec nothing: no such file or directory"),
        ),
        (
            Image(uri=BASE, entry_point=("/etc/passwd",)),
            ("Runtime.InvalidEntrypoint", "fork/exec /etc/passwd: permission denied"),
        ),
        (
            Image(uri=BASE, entry_point=("python3",), working_directory="/nothing"),
            ("Runtime.InvalidWorkingDir", "chdir /nothing: no such file or directory"),
        ),
    ],
)
async def test_an_image_that_cannot_be_started_is_told_as_aws_does(
    driver: DockerDriver, image: Image, expected: tuple[str, str]
) -> None:
    of_image = Function(
        name="f", handler="", task_root="/", runtime="provided", image=image, **PATIENCE
    )
    async with serving(driver, of_image) as (service, _):
        assert error(await service.invoke("f", b"0")) == expected


async def test_a_program_that_no_loader_knows_is_told_as_aws_does(
    driver: DockerDriver, code: Path
) -> None:
    bootstrap = code / "bootstrap"
    bootstrap.write_text("echo I am a script, and do not say of what\n")
    bootstrap.chmod(0o755)
    async with serving(driver, function(code, "", runtime="provided.al2023")) as (service, _):
        assert error(await service.invoke("f", b"0")) == (
            "Runtime.InvalidEntrypoint",
            "fork/exec /var/task/bootstrap: exec format error",
        )


async def test_between_invocations_a_container_is_frozen(
    engine: docker.DockerClient, driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "echo")) as (service, _):
        for event in (b"1", b"2"):
            await service.invoke("f", event)
            (name,) = containers(engine)
            state = engine.api.inspect_container(name)["State"]
            await asyncio.to_thread(_wait_frozen, state["Pid"])


def _wait_frozen(pid: int) -> None:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if controllers == "freezer":
            file, frozen = f"/sys/fs/cgroup/freezer{path}/freezer.state", "FROZEN"
            break
        if number == "0" and not Path("/sys/fs/cgroup/freezer").exists():
            file, frozen = f"/sys/fs/cgroup{path}/cgroup.events", "frozen 1"
            break
    else:
        raise AssertionError("no freezer")
    while frozen not in Path(file).read_text():
        pass


async def test_many_are_started_at_once(
    engine: docker.DockerClient, driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "echo")) as (service, _):
        calls = [service.invoke("f", str(number).encode()) for number in range(5)]
        results = await asyncio.gather(*calls)

        assert [answer(result) for result in results] == list(range(5))
        assert len(containers(engine)) == 5


@pytest.mark.usefixtures("driver")
async def test_what_a_killed_service_left_is_removed_by_the_next(
    engine: docker.DockerClient, code: Path
) -> None:
    program = f"""
import asyncio, os, signal
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.function import Function
from warmstart.service.service import Service
async def main():
    async with Service(driver=DockerDriver({BASE!r})) as service:
        await service.create_function(Function(
            name="f", handler="main.echo", task_root={str(code)!r}, runtime="python3.11",
            **{PATIENCE}))
        await service.invoke("f", b"1")
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await killed.wait() == -9
    left = {"label": f"warmstart.owner={killed.pid}"}

    DockerDriver(BASE).close()

    assert not engine.containers.list(all=True, filters=left)
    assert places(killed.pid) == []


def test_an_engine_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="must be on this machine"):
        Engine()


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("network", "reason"),
    [("no-such-network", "docker network create no-such-network"), ("host", "cannot be in")],
)
def test_a_network_that_cannot_be_had_is_refused_at_once(network: str, reason: str) -> None:
    with pytest.raises(EngineUnavailable, match=reason):
        DockerDriver(BASE, network)


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root is told that first")
def test_an_engine_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(EngineUnavailable, match=r"does not answer at .*no\.sock .*DOCKER_HOST"):
        Engine()
