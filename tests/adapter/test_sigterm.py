"""SIGTERM under AWS's own client, the real one."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.adapter import samples
from tests.runtime.clients import AWSLAMBDARIC, Running
from tests.runtime.fake_api import Event, FakeRuntimeAPI

# Whether awslambdaric polls in a thread, so that the main thread runs handlers of signals.
POLLS_IN_A_THREAD = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
POLLS_ITSELF = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}


class Start(Protocol):
    def __call__(self, handler: str = "lives.handler", **variables: str) -> Running: ...


@pytest.fixture
def api() -> Iterator[FakeRuntimeAPI]:
    with FakeRuntimeAPI() as fake:
        yield fake


@pytest.fixture
def start(api: FakeRuntimeAPI, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(handler: str = "lives.handler", **variables: str) -> Running:
            client = AWSLAMBDARIC.running(api.address, handler, tmp_path, **variables)
            running = stack.enter_context(client)
            api.wait_poll()
            return running

        yield start


def request(path: str) -> bytes:
    return json.dumps(samples.function_url(path)).encode()


def serve(api: FakeRuntimeAPI, path: str = "/") -> None:
    """Have one request served, and the next waited for."""
    post = api.invoke(request(path))
    assert json.loads(post.body)["statusCode"] == 204
    api.wait_poll()


def test_the_lifespan_is_shut_down_on_the_thread_that_it_lives_on(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(**POLLS_IN_A_THREAD)
    serve(api)

    assert running.stop() == 0
    assert running.stdout == "closed\nhook ran\n"


def test_the_lifespan_is_shut_down_while_the_main_thread_is_in_native_code(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(**POLLS_ITSELF)
    serve(api)

    assert running.stop() == 0
    assert running.stdout == "closed elsewhere closed\nhook ran\n"


@pytest.mark.parametrize("client", [POLLS_IN_A_THREAD, POLLS_ITSELF])
def test_a_running_invocation_ends_first(
    api: FakeRuntimeAPI, start: Start, client: dict[str, str]
) -> None:
    running = start(**client)
    serve(api)
    api.put(Event(request("/signal")))

    assert running.wait() == 0
    assert running.stdout.startswith("served\n")
    assert "closed\nhook ran\n" in running.stdout


def test_a_shutdown_that_fails_is_logged_and_keeps_nobody(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(FAILS="1", **POLLS_IN_A_THREAD)
    serve(api)

    assert running.stop() == 0
    assert "The environment did not shut down cleanly." in running.stdout
    assert "no way out" in running.stdout


def test_a_handler_that_the_function_has_is_left_alone(api: FakeRuntimeAPI, start: Start) -> None:
    running = start(OWN_SIGTERM="1", **POLLS_IN_A_THREAD)
    serve(api)

    assert running.stop() == 7
    assert running.stdout == "own handler\n"


def test_a_handler_that_the_function_installs_later_takes_over(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(PYTHONWARNINGS="ignore", **POLLS_IN_A_THREAD)
    serve(api, "/own")
    serve(api, "/children")  # which inherit it

    assert running.stop() == 7
    assert running.stdout == "own handler\n7 0\nown handler\n"


def test_a_wakeup_descriptor_of_somebody_elses_is_left_alone(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(OWN_WAKEUP="1", **POLLS_IN_A_THREAD)
    serve(api)

    assert running.stop() == 0
    assert running.stdout == "closed\nhook ran\n"


def test_children_that_the_function_forks_end_as_any_other(
    api: FakeRuntimeAPI, start: Start
) -> None:
    running = start(PYTHONWARNINGS="ignore", **POLLS_IN_A_THREAD)
    serve(api, "/")
    serve(api, "/children")

    assert running.stdout == f"{-signal.SIGTERM} 0\n"
    assert running.stop() == 0
    assert running.stdout.endswith("closed\nhook ran\n")


def test_other_signals_end_nothing(api: FakeRuntimeAPI, start: Start) -> None:
    running = start(**POLLS_ITSELF)
    serve(api, "/other")
    serve(api, "/")

    assert running.stop() == 0
    assert running.stdout == "other signal\nclosed elsewhere closed\nhook ran\n"


def test_off_the_main_thread_nothing_is_installed(api: FakeRuntimeAPI, start: Start) -> None:
    running = start("lives.on_a_thread", **POLLS_IN_A_THREAD)
    serve(api)

    assert running.stop() == -signal.SIGTERM
