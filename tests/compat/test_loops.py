"""Which loop an invocation runs on, and what it shares with the code beside the adapter."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import pytest

from tests.compat.beside import CONTEXT, current_loop
from tests.events import golden
from warmstart.adapter.asgi import Receive, Scope, Send
from warmstart.compat.mangum import Mangum, loops

Loop = asyncio.AbstractEventLoop


class Recorder:
    """An app that keeps the loops and the threads that it ran on."""

    def __init__(self) -> None:
        self.loops: list[Loop] = []
        self.threads: list[threading.Thread] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("no lifespan here")
        self.loops.append(asyncio.get_running_loop())
        self.threads.append(await anyio.to_thread.run_sync(threading.current_thread))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def invoke(handler: Mangum) -> Any:
    return handler(golden.http_api(), CONTEXT)["statusCode"]


@pytest.fixture
def app() -> Recorder:
    return Recorder()


@pytest.fixture
def no_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thread without a current loop."""
    monkeypatch.setattr(loops, "_installed", {})
    asyncio.set_event_loop(None)
    yield
    for ours in loops._installed.values():
        ours.close()
    asyncio.set_event_loop(None)


@pytest.mark.usefixtures("no_loop")
def test_where_there_is_no_loop_one_is_made_at_construction_and_is_current(app: Recorder) -> None:
    handler = Mangum(app)

    installed = asyncio.get_event_loop()
    assert [invoke(handler), invoke(handler)] == [204, 204]

    assert app.loops == [installed, installed]


@pytest.mark.usefixtures("no_loop")
def test_the_code_beside_it_shares_the_loop(app: Recorder) -> None:
    handler = Mangum(app)

    async def beside() -> Loop:
        return asyncio.get_running_loop()

    invoke(handler)
    assert asyncio.get_event_loop().run_until_complete(beside()) is app.loops[0]
    assert invoke(handler) == 204


@pytest.mark.usefixtures("no_loop")
def test_all_adapters_of_a_thread_share_the_loop(app: Recorder) -> None:
    for handler in (Mangum(app), Mangum(app)):
        invoke(handler)

    assert app.loops[0] is app.loops[1]


@pytest.mark.usefixtures("no_loop")
def test_a_thread_of_the_app_is_used_again(app: Recorder) -> None:
    handler = Mangum(app)

    for _ in range(5):
        invoke(handler)

    assert len(set(app.threads)) == 1


@pytest.mark.usefixtures("no_loop")
def test_a_closed_loop_is_replaced_at_the_next_construction(app: Recorder) -> None:
    Mangum(app)
    closed = asyncio.get_event_loop()
    closed.close()

    handler = Mangum(app)
    invoke(handler)

    assert app.loops == [asyncio.get_event_loop()]
    assert list(loops._installed) == app.loops


def test_a_loop_of_the_callers_own_is_used(app: Recorder) -> None:
    with current_loop() as own:
        handler = Mangum(app)
        assert [invoke(handler), invoke(handler)] == [204, 204]

        assert app.loops == [own, own]
        assert asyncio.get_event_loop() is own


def test_a_loop_that_the_caller_sets_later_is_used(app: Recorder) -> None:
    with current_loop():
        handler = Mangum(app)
    with current_loop() as later:
        invoke(handler)

    assert app.loops == [later]


def test_it_works_after_an_asyncio_run(app: Recorder) -> None:
    with current_loop():
        handler = Mangum(app)
        asyncio.run(asyncio.sleep(0))
        assert [invoke(handler), invoke(handler)] == [204, 204]

    assert app.loops[0] is app.loops[1]


def test_it_works_when_the_current_loop_is_closed(app: Recorder) -> None:
    with current_loop() as own:
        handler = Mangum(app)
        closed = asyncio.new_event_loop()
        closed.close()
        asyncio.set_event_loop(closed)

        assert invoke(handler) == 204
        assert app.loops[0] not in (own, closed)
        asyncio.set_event_loop(own)


def test_it_works_inside_a_running_loop(app: Recorder) -> None:
    async def call() -> int:
        status: int = invoke(Mangum(app))
        return status

    assert asyncio.run(call()) == 204


def test_it_works_in_another_thread(app: Recorder) -> None:
    with current_loop():
        handler = Mangum(app)
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(invoke, handler).result(timeout=30) == 204


def test_the_private_loop_ends_with_the_adapter(app: Recorder) -> None:
    with current_loop():
        # Off, because a log record of the app's refusal would keep its frames, and so the loop.
        handler = Mangum(app, lifespan="off")
        asyncio.run(asyncio.sleep(0))
        invoke(handler)
    del handler
    gc.collect()

    assert app.loops[0].is_closed()


def test_a_fresh_program_is_warned_of_nothing_and_ends() -> None:
    program = """
import sys
from tests.compat.test_loops import Mangum, Recorder, invoke
app = Recorder()
handler = Mangum(app)
print(invoke(handler), invoke(handler), len(set(app.threads)))
"""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    # Python 3.11 makes a loop of its own and does not tell.
    assert ended.stdout.split()[:2] == ["204", "204"]
    assert sys.version_info < (3, 12) or ended.stdout.split()[2] == "1"
