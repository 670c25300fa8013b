"""Calling a function that a user registered, sync or async, with an event."""

from __future__ import annotations

import asyncio
import inspect
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from warmstart.adapter.deadline import Deadline

__all__ = ["EventCancelled", "EventFunction", "call", "call_in_time"]

EventFunction = Callable[[Any, Any], Any]
"""`f(event, context)`, sync or async; what it returns is the result."""


class EventCancelled(RuntimeError):
    """What handled an event was cancelled: by the deadline, or by its own doing."""


async def call(function: EventFunction, event: Any, context: Any) -> Any:
    """Call `function` here, on this thread, and wait for its result if it is awaitable.

    Raises:
        EventCancelled: the function cancelled itself.
        Exception: what the function raised.
    """
    try:
        if inspect.iscoroutinefunction(function):
            return await function(event, context)
        with _outside_the_loop():
            result = function(event, context)
        return await result if inspect.isawaitable(result) else result
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise EventCancelled(f"{function!r} cancelled itself.") from error


async def call_in_time(
    function: EventFunction, event: Any, context: Any, deadline: Deadline
) -> Any:
    """As `call`, of a function that has until `deadline`.

    Raises:
        EventCancelled: the deadline came first, or the function cancelled itself.
        Exception: what the function raised.
    """
    try:
        return await call(function, event, context)
    except asyncio.CancelledError as error:
        deadline.reclaim(error)
        raise EventCancelled(
            f"{function!r} was not done with the event before the deadline."
        ) from error


@contextmanager
def _outside_the_loop() -> Iterator[None]:
    """Let a sync function do what is refused where a loop runs.

    Django's ORM refuses queries there, and `asyncio.run` to run. The function
    has the thread to itself until it returns, so neither has a reason to.
    """
    loop = events._get_running_loop()
    events._set_running_loop(None)
    try:
        yield
    finally:
        events._set_running_loop(loop)
