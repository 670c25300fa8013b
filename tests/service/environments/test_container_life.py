"""Containers whose engine or whose neighbours do not behave, and programs that do not."""

from __future__ import annotations

import asyncio
import io
import json
import os
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import docker
import pytest

from tests.engine import BASE, building, removing
from tests.service.contained import (
    PATIENCE,
    answer,
    anyio_backend,
    containers,
    driver,
    engine,
    function,
    patient,
    serving,
)
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.namespaces import Network
from warmstart.service.function import Function, Image
from warmstart.service.telemetry import Exit, ExtensionInit, ExtensionOutput, Report

__all__ = ["anyio_backend", "driver", "engine"]

pytestmark = patient

CODE = """
import os, socket, threading, time

def echo(event, context):
    return event

def bomb(event, context):
    while event == "bomb":
        try:
            os.fork()
        except OSError:
            pass
    return event

def leave_a_daemon(event, context):
    if event is None:
        return [name for name in os.listdir("/proc") if name.isdecimal()]
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(1)
        os._exit(0)
    os.wait()
    os._exit(event)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Code that anybody can read, as the code store has it."""
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text(CODE)
    return tmp_path


async def test_a_fork_bomb_is_ended_with_its_invocation(driver: DockerDriver, code: Path) -> None:
    bomb = function(code, "bomb", timeout=3.0, memory_size=256)
    async with serving(driver, bomb) as (service, _):
        ended = {"Sandbox.Timedout", "Runtime.OutOfMemory"}  # whatever comes first
        result = await service.invoke("f", b'"bomb"')
        assert json.loads(result.payload)["errorType"] in ended
        # A slow machine may be busy for longer than these seconds with the end of a thousand, and
        # until then their memory can leave none for what Docker starts.
        while (result := await service.invoke("f", b"1")).function_error is not None:
            assert json.loads(result.payload)["errorType"] in ended | {"Sandbox.Failure"}
        assert answer(result) == 1


async def test_what_a_runtime_leaves_is_gone_before_the_next_one(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "leave_a_daemon")) as (service, observed):
        await service.invoke("f", b"3")
        await observed.wait_for(Exit)
        assert len(answer(await service.invoke("f", b"null"))) == 2


async def test_an_environment_whose_container_was_removed_is_replaced(
    engine: docker.DockerClient, driver: DockerDriver, code: Path
) -> None:
    # Docker cannot kill what is frozen.
    async with serving(driver, function(code, "echo", freeze=False)) as (service, observed):
        assert answer(await service.invoke("f", b"1")) == 1
        (name,) = containers(engine)
        await asyncio.to_thread(engine.containers.get(name).remove, force=True)
        await observed.wait_for(Exit)

        while (result := await service.invoke("f", b"2")).function_error is not None:
            pass
        assert answer(result) == 2
        assert name not in containers(engine)


async def test_the_extensions_of_an_image_are_started(
    engine: docker.DockerClient, driver: DockerDriver
) -> None:
    program = Path(__file__).parents[1] / "raw_extension.py"
    runtime = Path(__file__).parents[1] / "raw_runtime.py"
    files = {
        "opt/extensions/listen": f"#!/usr/bin/python3\n{program.read_text()}",
        "var/task/runtime.py": runtime.read_text(),
    }
    command = ("/usr/bin/python3", "/var/task/runtime.py", "echo")
    with image_with(engine, files) as tag:
        own = Function(
            name="f",
            handler="",
            task_root="/",
            runtime="provided",
            image=Image(uri=tag, entry_point=command[:1], command=command[1:]),
            **PATIENCE,
        )
        async with serving(driver, own) as (service, observed):
            assert answer(await service.invoke("f", b"1")) == 1
            await observed.wait_for(Report)
            await service.aclose()

    (extension,) = observed.of(ExtensionInit)
    assert (extension.name, extension.state) == ("listen", "Ready")
    words = [event.line.split(" ")[0] for event in observed.of(ExtensionOutput)]
    assert words == ["variables", "registered", "event", "event"]


@contextmanager
def image_with(engine: docker.DockerClient, files: dict[str, str]) -> Iterator[str]:
    """The base image with some programs added."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content.encode()), 0o755
            tar.addfile(entry, io.BytesIO(content.encode()))
    tag = f"warmstart-test-extended-{os.getpid()}"
    with building():
        container = engine.containers.create(BASE, ["none"], network_mode="none")
        try:
            container.put_archive("/", archive.getvalue())
            container.commit(tag)
        finally:
            container.remove()
    try:
        yield tag
    finally:
        with removing():
            engine.images.remove(tag, force=True)


async def test_an_engine_that_goes_fails_invocations_and_not_the_service(
    tmp_path: Path, code: Path, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docker.sock"
    real = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    relay = Relay(str(path), real)
    with closing(relay):
        driver = DockerDriver(BASE)
        async with serving(driver, function(code, "echo")) as (service, _):
            assert answer(await service.invoke("f", b"1")) == 1
            relay.break_down()
            # What runs goes on without the engine; what is new cannot be.
            assert answer(await service.invoke("f", b"2")) == 2
            await service.create_function(function(code, "echo", name="g"))
            refused = await service.invoke("g", b"3")
            assert refused.function_error is not None
        driver.close()
    monkeypatch.undo()
    DockerDriver(BASE).close()
    assert containers(engine) == []


class Relay:
    """Stands before the engine's socket, and hangs up on everybody once it breaks down."""

    def __init__(self, path: str, real: str) -> None:
        self._real = real
        self._connections: set[socket.socket] = set()
        self._broken = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._broken:
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._real)
            self._connections |= {near, far}
            for pair in ((near, far), (far, near)):
                thread = threading.Thread(target=self._copy, args=pair)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def break_down(self) -> None:
        self._broken = True
        for each in self._connections:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.break_down()
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._connections):
            each.close()
        for thread in self._threads:
            thread.join()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may enter a network")
def test_a_network_that_is_gone_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        Network(2**22 + 1)
