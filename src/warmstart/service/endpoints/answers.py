"""Answers as the APIs of an environment give them, and what they read of requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from warmstart.service.environments.environment import Refusal

__all__ = [
    "JSON",
    "Headers",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "Truncated",
    "accept",
    "answer",
    "header",
    "not_allowed",
    "not_found",
    "pieces",
    "refuse",
    "wait_disconnect",
    "whole_body",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = b"application/json"
_ACCEPTED_BODY = b'{"status":"OK"}\n'


class Truncated(Exception):
    """The connection ended before the request's body did."""


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes. Raises `Truncated`."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Truncated
        more = message["more_body"]
        if message["body"]:
            yield message["body"]


async def whole_body(receive: Receive) -> bytes:
    """All of the body. Raises `Truncated`."""
    return b"".join([data async for data in pieces(receive)])


async def wait_disconnect(receive: Receive) -> None:
    """Return when the connection is closed."""
    while (await receive())["type"] != "http.disconnect":
        pass


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first header of that name, which must be in lower case."""
    for key, value in headers:
        if key == name:
            return value
    return None


async def answer(
    send: Send, status: int, body: bytes, content_type: bytes, headers: Headers | None = None
) -> None:
    """Answer with a whole body."""
    own = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": own + (headers or [])}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def accept(send: Send, headers: Headers | None = None) -> None:
    """202, as AWS says it."""
    await answer(send, 202, _ACCEPTED_BODY, JSON, headers)


async def refuse(send: Send, refusal: Refusal) -> None:
    """The refusal's status, with what is wrong as JSON."""
    body = {"errorMessage": refusal.message, "errorType": refusal.error_type}
    text = json.dumps(body, separators=(",", ":")) + "\n"
    await answer(send, refusal.status, text.encode(), JSON)


async def not_found(send: Send) -> None:
    """There is nothing at that path."""
    await answer(send, 404, b"404 page not found\n", b"text/plain; charset=utf-8")


async def not_allowed(send: Send, method: str) -> None:
    """There is, but for another method."""
    await answer(send, 405, b"", b"text/plain", [(b"allow", method.encode())])
