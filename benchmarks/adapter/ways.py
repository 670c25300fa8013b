"""The ways to call an app with an event: ours, Mangum's two, and without an adapter."""

from __future__ import annotations

import contextlib
import gc
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

from mangum import Mangum
from mangum.types import ASGI

from warmstart import ASGIHandler
from warmstart.adapter.asgi import ASGIApp, Message
from warmstart.adapter.formats import http_format
from warmstart.adapter.scope import http_scope
from warmstart.events.source import detect

__all__ = ["ADAPTERS", "Call", "bare", "measure", "started_threads", "through"]

Call = Callable[[], object]

ADAPTERS: dict[str, Callable[[ASGIApp], Callable[[Any, Any], Any]]] = {
    "warmstart": ASGIHandler,
    'Mangum "off"': lambda app: Mangum(cast("ASGI", app), lifespan="off"),
    'Mangum "auto"': lambda app: Mangum(cast("ASGI", app), lifespan="auto"),
}


class _Context:
    """What of Lambda's context an adapter may look at."""

    aws_request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    function_name = "function"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


_CONTEXT = _Context()


def through(adapter: str, app: ASGIApp, event: Any) -> Call:
    """A call of `app` through `adapter`; it has answered 200 once."""
    handler = ADAPTERS[adapter](app)
    result = handler(event, _CONTEXT)
    if result["statusCode"] != 200:
        raise RuntimeError(f"{adapter} answered {result}")
    return lambda: handler(event, _CONTEXT)


def bare(app: ASGIApp, event: Any) -> Call:
    """The app driven by hand with the scope of `event`, without a loop: no adapter costs less.

    The app must not wait for anything.
    """
    wire = http_format(detect(event))
    assert wire is not None
    request = wire.decode_event(event)
    scope = http_scope(request, event, _CONTEXT, {})
    message = {"type": "http.request", "body": request.body, "more_body": False}

    async def receive() -> Message:
        return message

    async def send(message: Message) -> None: ...

    def call() -> None:
        # The app may change its scope.
        coroutine: Any = app({**scope, "state": {}}, receive, send)
        with contextlib.suppress(StopIteration):
            coroutine.send(None)
            raise RuntimeError("The app waited.")

    return call


def measure(
    calls: dict[str, Call], clock: Callable[[], float], *, rounds: int, seconds: float
) -> dict[str, float]:
    """Microseconds of each call: the median of `rounds` alternating rounds of `seconds`."""
    counts = {name: max(1, int(seconds / _once(call))) for name, call in calls.items()}
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken[name].append(_time(call, counts[name], clock))
    return {name: statistics.median(values) * 1e6 for name, values in taken.items()}


def _once(call: Call) -> float:
    """A first guess, from enough calls to be warm."""
    started, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < 0.02 or count < 3:
        call()
        count += 1
    return elapsed / count


def _time(call: Call, count: int, clock: Callable[[], float]) -> float:
    gc.collect()
    repeat = range(count)
    started = clock()
    for _ in repeat:
        call()
    return (clock() - started) / count


@contextlib.contextmanager
def started_threads() -> Iterator[list[str]]:
    """The names of the threads that are started within the block."""
    names: list[str] = []
    start = threading.Thread.start

    def noting(self: threading.Thread) -> None:
        names.append(self.name)
        start(self)

    threading.Thread.start = noting  # type: ignore[method-assign]
    try:
        yield names
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
