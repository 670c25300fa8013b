"""A hostile function tries everything that a container must keep it from."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine import BASE
from tests.service.contained import (
    answer,
    anyio_backend,
    call,
    containers,
    driver,
    engine,
    function,
    patient,
    serving,
)
from warmstart.service.environments.docker import DockerDriver

__all__ = ["anyio_backend", "driver", "engine"]

pytestmark = patient

HOSTILE = """
import ctypes, errno, http.client, os, socket, sys

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
PTRACE_ATTACH = 16

def keep(event, context):
    open("/tmp/kept", "w").write(event)
    return len(event)

def search(event, context):
    '''Where any of these words is to be found, in files and in other processes.'''
    words, own = [word[::-1].encode() for word in event], str(os.getpid())
    found = []
    for directory, folders, files in os.walk("/"):
        if directory == "/":
            folders[:] = set(folders) - {"usr", "lib", "lib64", "bin", "sbin", "sys"}
        if directory == "/proc":
            folders[:] = set(folders) - {"self", "thread-self", own}
        for name in files:
            path = os.path.join(directory, name)
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    content = os.read(descriptor, 1 << 20)
                finally:
                    os.close(descriptor)
            except OSError:
                continue
            if any(word in content for word in words):
                found.append(path)
    variables = " ".join(os.environ.values()).encode()
    return found + ["variables" for word in words if word in variables]

def _called(function, *arguments):
    ctypes.set_errno(0)
    if function(*arguments) >= 0:
        return "done"
    return errno.errorcode[ctypes.get_errno()]

def _tried(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return "done"

def attack(event, context):
    return {
        "ptrace": _called(libc.ptrace, PTRACE_ATTACH, 1, 0, 0),
        "mount": _called(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None),
        "umount": _called(libc.umount2, b"/tmp", 0),
        "remount": _called(libc.mount, b"none", b"/", None, 32, None),
        "new namespace": _called(libc.unshare, CLONE_NEWNS),
        "chroot": _called(libc.chroot, b"/tmp"),
        "setuid": _tried(lambda: os.setuid(0)),
        "setgroups": _tried(lambda: os.setgroups([0])),
        "kill the first": _tried(lambda: os.kill(1, 9)),
        "device": _tried(lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0))),
        "raw socket": _tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
        "packets": _tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "host name": _tried(lambda: socket.sethostname("mine")),
        "kernel's settings": _tried(lambda: open("/proc/sys/kernel/hostname", "w")),
        "control groups": _tried(lambda: os.mkdir("/sys/fs/cgroup/memory/mine")),
        "memory of the first": _tried(lambda: open("/proc/1/mem", "rb")),
        "files of the first": _tried(lambda: os.listdir("/proc/1/root")),
        "docker": _tried(lambda: os.stat("/var/run/docker.sock")),
        "code": _tried(lambda: open("/var/task/main.py", "a")),
        "runtime": _tried(lambda: open("/var/runtime/warmstart/__init__.py", "a")),
    }

def setuid_program(event, context):
    '''A program that would be root's if its bit counted.'''
    import shutil, subprocess
    shutil.copy("/usr/bin/id", "/tmp/id")
    os.chmod("/tmp/id", 0o4755)
    return subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True).stdout.strip()

def connect(event, context):
    found = []
    for family, address in event:
        address = tuple(address) if isinstance(address, list) else address
        with socket.socket(getattr(socket, family)) as tried:
            tried.settimeout(5)
            found.append(_tried(lambda: tried.connect(address)))
    return found

def answer_another(event, context):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request("POST", f"/2018-06-01/runtime/invocation/{event}/response", b"mine")
    return connection.getresponse().status

def multiply(event, context):
    '''As many processes as there can be.'''
    children = []
    try:
        while len(children) < event:
            child = os.fork()
            if child == 0:
                import signal
                signal.pause()
            children.append(child)
    except OSError as error:
        return [len(children), errno.errorcode[error.errno]]
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Code that anybody can read, as the code store has it."""
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text(HOSTILE)
    return tmp_path


async def test_nothing_of_another_function_or_of_the_service_can_be_found(
    driver: DockerDriver, code: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    other.chmod(0o755)
    (other / "main.py").write_text(HOSTILE + "# word-in-code\n")
    victim = function(other, "keep", name="g", environment={"KEY": "word-in-variable"})
    words = ["word-in-code", "word-in-variable", "word-in-event", "word-of-the-host"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "word-of-the-host")
        async with serving(driver, victim, function(code, "search")) as (service, _):
            assert answer(await service.invoke("g", b'"word-in-event"')) == 13
            spelled_backwards = [word[::-1] for word in words]
            found = answer(await service.invoke("f", _json(spelled_backwards)))

    assert found == []


async def test_a_search_finds_what_is_there(driver: DockerDriver, code: Path) -> None:
    own = function(code, "search", environment={"KEY": "word-in-variable"})
    assert await call(driver, own, ["htiafdnaevol", "elbairav-ni-drow"]) == ["variables"]
    (code / "note").write_text("word-in-code")
    assert await call(driver, own, ["edoc-ni-drow"]) == ["/var/task/note"]


async def test_no_attack_on_the_system_succeeds(driver: DockerDriver, code: Path) -> None:
    found = await call(driver, function(code, "attack"))

    assert {what: outcome for what, outcome in found.items() if outcome == "done"} == {}


async def test_a_program_is_nobody_else_s_for_its_setuid_bit(
    driver: DockerDriver, code: Path
) -> None:
    assert await call(driver, function(code, "setuid_program")) == "993"


async def test_nothing_that_listens_on_this_host_can_be_reached(
    driver: DockerDriver, code: Path
) -> None:
    name = f"\0warmstart-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as local,
        socket.create_server(("", 0)) as everywhere,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        abstract.bind(name)
        abstract.listen()
        ports = [local.getsockname()[1], everywhere.getsockname()[1]]
        hosts = ["127.0.0.1", "127.0.0.2", "172.17.0.1", *_own_addresses()]
        targets: list[list[Any]] = [["AF_INET", [host, port]] for host in hosts for port in ports]
        found = await call(driver, function(code, "connect"), [*targets, ["AF_UNIX", name]])

    assert "done" not in found


async def test_no_other_invocation_can_be_answered(driver: DockerDriver, code: Path) -> None:
    other = function(code, "keep", name="g")
    async with serving(driver, function(code, "answer_another"), other) as (service, _):
        result = await service.invoke("g", b'"mine"')
        status = answer(await service.invoke("f", _json(result.request_id)))
    assert status == 400


async def test_there_are_no_more_processes_than_on_aws(driver: DockerDriver, code: Path) -> None:
    many = function(code, "multiply", memory_size=3008)
    count, error = await call(driver, many, 2000)

    assert error == "EAGAIN"
    assert 900 < count < 1024


# With a network


@pytest.fixture
def network(engine: docker.DockerClient) -> Iterator[Any]:
    """A network of Docker's that leads to this host alone."""
    network = engine.networks.create(f"warmstart-test-{os.getpid()}", internal=True)
    network.reload()
    yield network
    network.remove()


async def test_with_a_network_the_outside_can_be_reached_and_no_other_runtime_api(
    engine: docker.DockerClient, driver: DockerDriver, code: Path, network: Any
) -> None:
    gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
    connected = DockerDriver(BASE, network=network.name)
    with socket.create_server((gateway, 0)) as outside:
        outside_address = ["AF_INET", list(outside.getsockname())]
        other = function(code, "keep", name="g")
        async with serving(connected, function(code, "connect"), other) as (service, _):
            await service.invoke("g", b'"mine"')
            (name,) = containers(engine)
            found = await asyncio.to_thread(engine.api.inspect_container, name)
            address = found["NetworkSettings"]["Networks"][network.name]["IPAddress"]
            event = _json([outside_address, ["AF_INET", [address, 9001]]])
            assert answer(await service.invoke("f", event)) == ["done", "ECONNREFUSED"]
    connected.close()

    without = await call(driver, function(code, "connect"), [outside_address])
    assert without == ["ENETUNREACH"]


def _own_addresses() -> set[str]:
    """This host's addresses, as far as its name leads to them."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
