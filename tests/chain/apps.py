"""Apps for the stories of scaling and streaming."""

from __future__ import annotations

import asyncio
import os

from warmstart.adapter.asgi import Receive, Scope, Send


async def sleeper(scope: Scope, receive: Receive, send: Send) -> None:
    """Sleeps a second and says which process it is."""
    if scope["type"] != "http":
        raise NotImplementedError
    await asyncio.sleep(1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


async def dialogue(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a first piece, and the rest only when the file named by the path is there."""
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    while not os.path.exists(scope["path"]):  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.01)
    await send({"type": "http.response.body", "body": b"second"})


async def until_left(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends until its client leaves, then writes the file named by the path."""
    if scope["type"] != "http":
        raise NotImplementedError
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    message = await receive()
    with open(scope["path"], "w") as file:  # noqa: ASYNC230 - a write is short
        file.write(message["type"])


async def background(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, works on, and writes the file named by the path at the end."""
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})
    await asyncio.sleep(0.3)
    with open(scope["path"], "w") as file:  # noqa: ASYNC230 - a write is short
        file.write("worked")
