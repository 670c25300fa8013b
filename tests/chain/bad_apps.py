"""Apps that do what no app should do, each in its own way."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from warmstart.adapter.asgi import Receive, Scope, Send

START = {"type": "http.response.start", "status": 200, "headers": []}
PIECE = {"type": "http.response.body", "body": b"first", "more_body": True}
END = {"type": "http.response.body", "body": b"all"}


async def never_answers(send: Send) -> None:
    await asyncio.get_running_loop().create_future()


async def answers_twice(send: Send) -> None:
    await send(START)
    await send(END)
    await send(START)


async def raises_at_once(send: Send) -> None:
    raise LookupError("at once")


async def raises_after_first_chunk(send: Send) -> None:
    await send(START)
    await send(PIECE)
    raise LookupError("after the first chunk")


async def returns_silently(send: Send) -> None:
    return


async def stops_halfway(send: Send) -> None:
    await send(START)
    await send(PIECE)


async def exits(send: Send) -> None:
    os._exit(3)


async def is_well(send: Send) -> None:
    await send(START)
    await send(END)


BEHAVIOURS: dict[str, Callable[[Send], Awaitable[None]]] = {
    f"/{behaviour.__name__}": behaviour
    for behaviour in (
        never_answers,
        answers_twice,
        raises_at_once,
        raises_after_first_chunk,
        returns_silently,
        stops_halfway,
        exits,
        is_well,
    )
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Behave as the path says."""
    if scope["type"] != "http":
        raise NotImplementedError
    await BEHAVIOURS[scope["path"]](send)
