"""Lifespan, as ASGI's lifespan specification 2.0 has it."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest

from warmstart.adapter.asgi import Receive, Scope, Send
from warmstart.adapter.lifespan import Lifespan, LifespanFailed


class App:
    """An app that notes its lifespan's messages and answers them as told."""

    def __init__(self, *, startup: str = "complete", shutdown: str = "complete") -> None:
        self.startup = startup
        self.shutdown = shutdown
        self.seen: list[str] = []
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.seen.append((await receive())["type"])
        scope["state"]["pool"] = "open"
        await send({"type": f"lifespan.startup.{self.startup}", "message": "no database"})
        if self.startup == "failed":
            return
        self.seen.append((await receive())["type"])
        await send({"type": f"lifespan.shutdown.{self.shutdown}", "message": "still busy"})


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["half"] = "done"
    raise NotImplementedError(f"no {scope['type']} here")


async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


async def waits(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await asyncio.get_running_loop().create_future()


def test_startup_and_shutdown_each_once() -> None:
    async def live() -> App:
        app = App()
        lifespan = Lifespan(app, "auto")
        await lifespan.start()
        assert lifespan.running
        assert lifespan.state == {"pool": "open"}
        await lifespan.stop()
        await lifespan.stop()
        assert not lifespan.running
        return app

    app = asyncio.run(live())

    assert app.seen == ["lifespan.startup", "lifespan.shutdown"]
    assert app.scope["type"] == "lifespan"
    assert app.scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}


def test_off_never_calls_the_app() -> None:
    async def live() -> App:
        app = App()
        lifespan = Lifespan(app, "off")
        await lifespan.start()
        assert lifespan.running
        await lifespan.stop()
        return app

    assert asyncio.run(live()).seen == []


@pytest.mark.parametrize("app", [refuses, returns])
def test_auto_goes_on_without_lifespan_and_without_its_half_made_state(app: Any) -> None:
    async def live() -> Lifespan:
        lifespan = Lifespan(app, "auto")
        await lifespan.start()
        await lifespan.stop()
        return lifespan

    lifespan = asyncio.run(live())

    assert lifespan.running
    assert lifespan.state == {}


def test_an_app_without_lifespan_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(Lifespan(refuses, "auto").start())
    gc.collect()  # asyncio logs an error that nobody looked at with the task's end

    assert caplog.records == []


def test_on_insists_and_shows_what_the_app_raised() -> None:
    async def live() -> None:
        await Lifespan(refuses, "on").start()

    with pytest.raises(LifespanFailed, match="lifespan protocol") as caught:
        asyncio.run(live())
    assert isinstance(caught.value.__cause__, NotImplementedError)


def test_a_failed_startup_says_why() -> None:
    async def live() -> None:
        await Lifespan(App(startup="failed"), "auto").start()

    with pytest.raises(LifespanFailed, match="no database"):
        asyncio.run(live())


def test_a_failed_shutdown_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        lifespan = Lifespan(App(shutdown="failed"), "auto")
        await lifespan.start()
        await lifespan.stop()

    with caplog.at_level(logging.ERROR, "warmstart"):
        asyncio.run(live())

    assert "still busy" in caplog.text


def test_a_life_that_ended_by_itself_is_logged_at_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def dies(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise LookupError("mid-life")

    async def live() -> None:
        lifespan = Lifespan(dies, "auto")
        await lifespan.start()
        await asyncio.sleep(0)
        await lifespan.stop()

    with caplog.at_level(logging.ERROR, "warmstart"):
        asyncio.run(live())

    assert "mid-life" in caplog.text


def test_a_message_out_of_turn_is_the_apps_error() -> None:
    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.startup.complete"})

    async def live() -> Lifespan:
        lifespan = Lifespan(twice, "on")
        await lifespan.start()
        await lifespan.stop()
        return lifespan

    asyncio.run(live())


def test_a_cancelled_startup_takes_the_apps_lifespan_with_it() -> None:
    async def live() -> set[asyncio.Task[Any]]:
        starting = asyncio.create_task(Lifespan(waits, "auto").start())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(live()) == set()
