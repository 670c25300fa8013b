"""Runs the real Mangum and ours over the same event, and tells what came of it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import mangum

from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send
from warmstart.compat.mangum import Mangum

CONTEXT: Any = object()

MakeApp = Callable[[], ASGIApp]


@dataclass
class Outcome:
    """What an adapter made of an event: the app's scopes and messages, and the result.

    An exception is its type's name and its text, as the two have classes of their own.
    """

    scopes: list[Scope] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    result: Any = None
    raised: tuple[str, str] | None = None


@contextmanager
def current_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that is this thread's current one, as Mangum needs it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.wait(pending))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        asyncio.set_event_loop(None)


def outcome(adapter: Any, make_app: MakeApp, event: Any, **options: Any) -> Outcome:
    seen = Outcome()
    app = make_app()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        # Frameworks add keys of their own to a scope.
        seen.scopes.append(dict(scope) | {"state": copy.copy(scope.get("state", "none"))})

        async def watched_receive() -> Message:
            message = await receive()
            seen.received.append(dict(message))
            return message

        await app(scope, watched_receive, send)

    with current_loop():
        try:
            seen.result = adapter(watched, **options)(copy.deepcopy(event), CONTEXT)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - what it is gets compared
            seen.raised = (type(error).__name__, str(error))
    return seen


def both(make_app: MakeApp, event: Any, **options: Any) -> tuple[Outcome, Outcome]:
    """What Mangum makes of it, and what ours does."""
    return (
        outcome(mangum.Mangum, make_app, event, **options),
        outcome(Mangum, make_app, event, **options),
    )


def answering(
    status: int = 200,
    headers: list[tuple[bytes, bytes]] | None = None,
    *chunks: bytes,
) -> MakeApp:
    """Makes apps that have a lifespan, read the request and answer with this."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["started"] = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": headers or []})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    return lambda: app
