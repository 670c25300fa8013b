"""A request and a response as the protocols see them, and how they travel through ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from warmstart.service.api.errors import ApiError

__all__ = [
    "MAX_BODY",
    "ClientGone",
    "Message",
    "Receive",
    "Request",
    "Response",
    "Send",
    "head_of",
    "read_body",
    "respond",
    "start",
]

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 70_167_211
"""Largest request in bytes that AWS takes: a zip of 50 MB in base64, and what is around it."""


class ClientGone(Exception):
    """The client left before its request ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `path` is as it was sent, still encoded; header names are in lower case."""

    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A response without the headers that all have."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def head_of(scope: Message) -> Request:
    """An HTTP request without its body."""
    return Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        b"",
    )


async def read_body(receive: Receive, operation: str, limit: int) -> bytes:
    """A request's whole body.

    Raises:
        ApiError: it is longer than `limit`.
        ClientGone: it did not end.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _rest(receive, bytearray(body), limit)
    elif message["type"] == "http.disconnect":
        raise ClientGone
    if len(body) > limit:
        raise ApiError(
            "RequestEntityTooLargeException",
            f"Request must be smaller than {limit} bytes for the {operation} operation",
        )
    return body


async def _rest(receive: Receive, body: bytearray, limit: int) -> bytes:
    """All of a body that comes in pieces, or as much of it as tells that it is too long."""
    more = True
    while more and len(body) <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def start(send: Send, status: int, headers: dict[str, str], request_id: str) -> None:
    """Send a response's status and headers."""
    encoded = [(_name(name), value.encode("latin-1")) for name, value in headers.items()]
    encoded.append((b"x-amzn-requestid", request_id.encode()))
    await send({"type": "http.response.start", "status": status, "headers": encoded})


@lru_cache(256)
def _name(name: str) -> bytes:
    return name.lower().encode("latin-1")


async def respond(send: Send, response: Response, request_id: str) -> None:
    """Send a whole response."""
    headers = response.headers
    if response.status != HTTPStatus.NO_CONTENT:
        headers = {"Content-Length": str(len(response.body)), **headers}
    await start(send, response.status, headers, request_id)
    await send({"type": "http.response.body", "body": response.body})
