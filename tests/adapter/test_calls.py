"""How a registered function is called."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable
from typing import Any

import pytest

from warmstart.adapter.calls import EventCancelled, call


class Callable:
    async def __call__(self, event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        return event


async def two(prefix: str, event: Any, context: Any) -> str:
    await asyncio.sleep(0)
    return f"{prefix}{event}"


def returns_awaitable(event: Any, context: Any) -> Awaitable[Any]:
    return Callable()(event, context)


@pytest.mark.parametrize(
    "function",
    [
        lambda event, context: event,
        returns_awaitable,
        Callable(),
        functools.partial(two, ""),
    ],
)
def test_whatever_can_be_called_may_be_registered(function: Any) -> None:
    assert asyncio.run(call(function, "event", None)) == "event"


def test_a_sync_function_runs_on_the_calling_thread() -> None:
    where = asyncio.run(call(lambda event, context: threading.current_thread(), None, None))

    assert where is threading.current_thread()


def test_a_sync_function_may_run_a_loop_of_its_own() -> None:
    def sync(event: Any, context: Any) -> str:
        return asyncio.run(two("ran ", event, context))

    async def drive() -> str:
        result: str = await call(sync, "event", None)
        await asyncio.sleep(0)  # the outer loop is whole
        return result

    assert asyncio.run(drive()) == "ran event"


def test_a_sync_function_may_do_what_django_refuses_inside_a_loop() -> None:
    def sync(event: Any, context: Any) -> str:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()  # what Django asks before a query
        return "queried"

    assert asyncio.run(call(sync, None, None)) == "queried"


def test_a_function_that_cancels_itself_fails() -> None:
    async def cancels(event: Any, context: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(EventCancelled, match=r"cancels.* cancelled itself"):
        asyncio.run(call(cancels, None, None))
