"""What programs in containers write is read before anything is said of what they did next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.service.contained import (
    answer,
    anyio_backend,
    call,
    driver,
    engine,
    error,
    function,
    patient,
    serving,
)
from tests.service.scripted import Observed
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.telemetry import Event, Exit, Output, Report, Start

__all__ = ["anyio_backend", "driver", "engine"]

pytestmark = patient

CODE = """
import os, subprocess, sys, time

def say(event, context):
    for number in range(event["lines"]):
        print(f"{event['id']} {number}")
    return event["id"]

def much(event, context):
    print("x" * event)
    return event

def endless(event, context):
    if event == "endless":
        while True:
            os.write(1, b"x" * 65536)
    return event

def reopen(event, context):
    for number, path in enumerate(("/dev/stdout", "/dev/stderr", "/proc/self/fd/1")):
        for mode in ("w", "a"):
            with open(path, mode) as file:
                print(number, mode, file=file)

def redirect(event, context):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.close(2)
    os.write(1, b"lost")
    return event

def leave(event, context):
    subprocess.Popen(["sleep", "60"], start_new_session=True)
    os.write(1, b"last words, and no newline")
    os._exit(event)

def surroundings(event, context):
    def tried(action):
        try:
            return repr(action())
        except OSError as error:
            return type(error).__name__
    return {
        "stdin": os.readlink("/proc/self/fd/0"),
        "list": tried(lambda: os.listdir("/var/rapid")),
        "read": tried(lambda: os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)),
        "write": tried(lambda: open("/var/rapid/x", "w")),
        "replace": tried(lambda: os.unlink("/var/rapid/init")),
        "change": tried(lambda: os.chmod("/proc/self/fd/1", 0o666)),
    }
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Code that anybody can read, as the code store has it."""
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text(CODE)
    return tmp_path


def lines(observed: Observed) -> list[str]:
    return [event.line for event in observed.of(Output)]


async def test_what_is_written_before_the_answer_is_in_its_tail_and_before_its_report(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "say")) as (service, observed):
        for number in range(300):
            said = str(number).encode()
            event = b'{"id": "%s", "lines": 2}' % said
            result = await service.invoke("f", event, request_id=str(number), log_tail=True)
            assert answer(result) == str(number)
            assert result.log_tail is not None
            start, *between, end, report = result.log_tail.splitlines()
            assert start.startswith(b"START RequestId: %s " % said)
            assert between == [b"%s 0" % said, b"%s 1" % said]
            assert end == b"END RequestId: %s" % said
            assert report.startswith(b"REPORT RequestId: %s\t" % said)

    assert _said_within(observed.events) == {
        str(number): [f"{number} 0", f"{number} 1"] for number in range(300)
    }


def _said_within(events: list[Event]) -> dict[str, list[str]]:
    """What was written between each START and its REPORT."""
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for event in events:
        if isinstance(event, Start):
            current = found[event.request_id] = []
        elif isinstance(event, Report):
            current = None
        elif isinstance(event, Output):
            assert current is not None
            current.append(event.line)
    return found


async def test_that_of_many_environments_at_once_is_each_one_s_own(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "say")) as (service, _):

        async def invoke(number: int) -> bytes:
            event = b'{"id": "%d", "lines": 3}' % number
            result = await service.invoke("f", event, log_tail=True)
            assert result.log_tail is not None
            return b"\n".join(result.log_tail.splitlines()[1:-2])

        for _ in range(20):
            said = await asyncio.gather(*(invoke(number) for number in range(3)))
            assert said == [b"%d 0\n%d 1\n%d 2" % (n, n, n) for n in range(3)]


async def test_ten_megabytes_arrive_whole_and_in_time(driver: DockerDriver, code: Path) -> None:
    size = 10 * 2**20
    async with serving(driver, function(code, "much")) as (service, observed):
        for count in (1, 2):
            assert answer(await service.invoke("f", str(size).encode())) == size
            report = await observed.wait_for(Report, count)
            before = observed.events[: observed.events.index(report)]
            assert sum(len(event.line) for event in before if isinstance(event, Output)) == (
                count * size
            )


async def test_who_writes_without_end_is_ended_and_keeps_nobody_from_anything(
    driver: DockerDriver, code: Path
) -> None:
    endless, other = function(code, "endless", timeout=3.0), function(code, "say", name="g")
    async with serving(driver, endless, other) as (service, _):
        writing = asyncio.ensure_future(service.invoke("f", b'"endless"'))
        for number in range(5):
            event = b'{"id": "%d", "lines": 1}' % number
            assert answer(await service.invoke("g", event)) == str(number)
        assert error(await writing)[0] == "Sandbox.Timedout"
        # On a slow machine the INIT within it may take longer than these seconds.
        while (again := await service.invoke("f", b"1")).function_error is not None:
            pass
        assert answer(again) == 1


async def test_its_streams_can_be_opened_anew(driver: DockerDriver, code: Path) -> None:
    async with serving(driver, function(code, "reopen")) as (service, observed):
        assert answer(await service.invoke("f", b"0")) is None
        await observed.wait_for(Report)
        assert lines(observed) == ["0 w", "0 a", "1 w", "1 a", "2 w", "2 a"]


async def test_a_program_may_close_and_redirect_its_streams(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "redirect")) as (service, observed):
        assert [answer(await service.invoke("f", b"%d" % number)) for number in (1, 2)] == [1, 2]
    assert lines(observed) == []


async def test_the_last_words_come_before_the_end_though_others_hold_the_stream(
    driver: DockerDriver, code: Path
) -> None:
    async with serving(driver, function(code, "leave")) as (service, observed):
        result = await service.invoke("f", b"3")
        await observed.wait_for(Exit)
        told = [event for event in observed.events if isinstance(event, Output | Exit)]

    assert error(result) == ("Runtime.ExitError", "Runtime exited with error: exit status 3")
    assert isinstance(told[-1], Exit)
    assert isinstance(told[-2], Output)
    assert told[-2].line == "last words, and no newline"


async def test_nobody_can_read_it_or_reach_that_of_others(driver: DockerDriver, code: Path) -> None:
    assert await call(driver, function(code, "surroundings")) == {
        "stdin": "/dev/null",
        "list": "PermissionError",
        "read": "PermissionError",
        "write": "OSError",
        "replace": "OSError",
        "change": "OSError",
    }
