"""SIGTERM, whoever takes it."""

from __future__ import annotations

import json
import os
import select
import signal
import threading

import pytest

from tests.runtime.conftest import Start
from tests.runtime.differences import difference
from tests.runtime.fake_api import Event, FakeRuntimeAPI
from warmstart.runtime.signals import Shutdown


@difference("sigterm")
def test_a_plain_handler_exits_with_0_and_registers_nothing(
    api: FakeRuntimeAPI, start: Start, row: str
) -> None:
    running = start("behaviours.handler")
    api.wait_poll()
    assert running.stop() == 0
    assert [request.call for request in api.requests] == ["next"]


def test_atexit_hooks_run(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("ending.with_hook")
    api.wait_poll()
    assert running.stop() == 0
    assert running.stdout == "hook ran\n"


@pytest.mark.parametrize(
    ("handler", "code", "said"), [("exits", 7, "own handler\n"), ("returns", 0, "own handler\n")]
)
def test_a_handler_of_the_functions_own_comes_first(
    api: FakeRuntimeAPI, start: Start, handler: str, code: int, said: str
) -> None:
    running = start("ending.handler", SIGTERM_HANDLER=handler)
    assert api.wait_post().path.endswith("extension/register")
    api.wait_poll()
    assert running.stop() == code
    assert running.stdout == said


def test_a_running_invocation_is_finished_first(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("ending.until_told")
    api.put(Event())
    while "begun" not in running.stdout:
        assert running.process.poll() is None
    running.process.terminate()
    assert api.wait_post().body == b'"told"'
    assert running.wait() == 0
    assert [request.call for request in api.requests] == ["next", "response"]


def test_an_invocation_beyond_its_deadline_is_not_waited_for(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("ending.forever")
    api.put(Event(headers={"Lambda-Runtime-Deadline-Ms": "1000"}))
    while "begun" not in running.stdout:
        assert running.process.poll() is None
    running.process.terminate()
    assert running.wait() == -signal.SIGALRM


def test_sigterm_while_the_function_is_imported_ends_it_before_any_work(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start("ending.handler", SIGTERM_AT_IMPORT="1")
    assert running.wait() == 0
    assert [request.call for request in api.requests] == []


@pytest.mark.parametrize(
    ("sender", "code"), [("parent", -signal.SIGTERM), ("itself", -signal.SIGTERM), ("nobody", 0)]
)
def test_children_that_the_function_forks_end_as_any_other(
    api: FakeRuntimeAPI, start: Start, sender: str, code: int
) -> None:
    running = start("ending.forks", PYTHONWARNINGS="ignore")

    assert api.invoke(json.dumps(sender).encode()).body == b"%d" % code
    api.wait_poll()
    api.wait_poll()
    assert running.stop() == 0


def test_children_inherit_a_handler_of_the_functions_own(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("ending.forks", PYTHONWARNINGS="ignore", SIGTERM_HANDLER="exits")
    assert api.wait_post().path.endswith("extension/register")

    assert api.invoke(b'"itself"').body == b"7"
    api.wait_poll()
    api.wait_poll()
    assert running.stop() == 7


def test_ctrl_c_while_idle_ends_quietly(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("modes.native")
    api.wait_poll()
    running.process.send_signal(signal.SIGINT)
    assert running.wait() == 130
    assert running.stdout == "started\nstopped\n"
    assert running.stderr == ""


# The waiting itself.


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@pytest.mark.skipif(not in_main_thread(), reason="signals belong to the main thread")
def test_waiting_ends_with_input_or_with_the_signal() -> None:
    shutdown = Shutdown()
    shutdown.listen()
    reader, writer = os.pipe()
    other, unused = os.pipe()
    try:
        assert not shutdown.is_overridden()
        os.write(writer, b"x")
        assert shutdown.wait_readable(reader)
        os.kill(os.getpid(), signal.SIGTERM)
        assert shutdown.wait_readable(reader)  # work that is there comes first
        assert not shutdown.wait_readable(other)
        assert shutdown.requested
    finally:
        shutdown.close()
        for descriptor in (reader, writer, other, unused):
            os.close(descriptor)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.skipif(not in_main_thread(), reason="signals belong to the main thread")
def test_other_signals_do_not_end_the_waiting() -> None:
    shutdown = Shutdown()
    shutdown.listen()
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    reader, writer = os.pipe()

    def write_when_the_bell_was_heard() -> None:
        while select.select([shutdown._bell], [], [], 0)[0]:
            pass
        os.write(writer, b"x")

    os.kill(os.getpid(), signal.SIGUSR1)
    thread = threading.Thread(target=write_when_the_bell_was_heard)
    thread.start()
    try:
        assert shutdown.wait_readable(reader)
        assert not shutdown.requested
    finally:
        thread.join()
        shutdown.close()
        signal.signal(signal.SIGUSR1, before)
        os.close(reader)
        os.close(writer)


@pytest.mark.skipif(not in_main_thread(), reason="signals belong to the main thread")
def test_signals_beyond_number_do_no_harm() -> None:
    shutdown = Shutdown()
    shutdown.listen()
    try:
        while True:
            os.write(shutdown._rope, bytes(4096))
    except BlockingIOError:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        assert shutdown.requested
        shutdown.close()


@pytest.mark.skipif(not in_main_thread(), reason="signals belong to the main thread")
def test_a_handler_of_somebody_elses_is_left_alone() -> None:
    shutdown = Shutdown()
    shutdown.listen()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert shutdown.is_overridden()
        shutdown.close()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
