"""Where others push events to: `POST /_warmstart/push/KIND/…`, on the service's own port.

    sender ─▶ Door ─▶ the kind's Receiver ─▶ async invoke

2xx is answered only once the events are kept by the queue of asynchronous invocations, from
where they are delivered with its retries. What cannot be kept is answered with 5xx, so that
the sender tries again.

Nobody has to sign: a push is trusted if it comes from this machine or, where a token is
configured, if it has that. A program that forwards requests to this machine, as a tunnel
does, is none of this machine's callers: it says for whom it asks (`X-Forwarded-For`). And
no web page is, whose browser says where it comes from (`Origin`).
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from warmstart.events.http import HTTPRequest
from warmstart.invoke import InvokeError, RequestTooLarge
from warmstart.triggers.push.push import Push, Receiver, Refused

__all__ = ["MAX_BODY", "PUSH", "Application", "Door"]

_logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

PUSH = "/_warmstart/push/"
"""What the paths begin with; no call of AWS's does."""

MAX_BODY = 1024 * 1024
"""Bytes of a push: as many as an event may have that is invoked asynchronously."""

_FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-real-ip"}


class Door:
    """An ASGI application: pushes go to `receivers`, by kind, all else to `application`."""

    def __init__(
        self,
        application: Application,
        receivers: Mapping[str, Receiver],
        token: str | None = None,
    ) -> None:
        self._application = application
        self._receivers = receivers
        self._token = token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PUSH):
            await self._application(scope, receive, send)
            return
        try:
            status, text = await self._take(scope, receive), ""
        except Refused as refusal:
            status, text = refusal.status, f"{refusal.reason}\n"
        except RequestTooLarge as error:
            status, text = 413, f"{error}\n"
        except InvokeError as error:
            status, text = 503, f"{error}\n"
        except Exception:
            _logger.exception("A push to %s failed", scope["path"])
            status, text = 500, "The service failed; its log tells why.\n"
        body = text.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _take(self, scope: Message, receive: Receive) -> int:
        names = {name for name, _ in scope["headers"]}
        if b"origin" in names:
            raise Refused(403, "A web page may not push events.")
        if scope["method"] != "POST":
            raise Refused(405, "Events are pushed with POST.")
        kind, slash, rest = scope["path"].removeprefix(PUSH).partition("/")
        receiver = self._receivers.get(kind)
        if receiver is None:
            raise Refused(404, f"Nothing takes pushes of the kind '{kind}' here.")
        raw = scope["raw_path"].removeprefix(f"{PUSH}{kind}".encode("latin-1"))
        request = HTTPRequest(
            method="POST",
            path=f"{slash}{rest}" or "/",
            raw_path=raw or b"/",
            query_string=scope["query_string"],
            headers=list(scope["headers"]),
            body=await _body(receive),
            scheme=scope.get("scheme", "http"),
            http_version=scope.get("http_version", "1.1"),
            client=scope.get("client"),
            server=scope.get("server"),
        )
        return await receiver.receive(Push(request, self._trusts(request)))

    def _trusts(self, request: HTTPRequest) -> bool:
        if self._token is None:
            return _is_local(request)
        return any(
            hmac.compare_digest(token.encode(), self._token.encode()) for token in _tokens(request)
        )


def _tokens(request: HTTPRequest) -> list[str]:
    """What a request gives as its token. Some senders leave out the word `Bearer`."""
    tokens = parse_qs(request.query_string.decode("latin-1")).get("token", [])
    return tokens + [
        value.decode("latin-1").removeprefix("Bearer ")
        for name, value in request.headers
        if name == b"authorization"
    ]


def _is_local(request: HTTPRequest) -> bool:
    if request.client is None or any(name in _FORWARDED for name, _ in request.headers):
        return False
    try:
        return ipaddress.ip_address(request.client[0]).is_loopback
    except ValueError:
        return False


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request did not end.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise Refused(413, f"A push has {MAX_BODY} bytes at the most.")
        if not message.get("more_body", False):
            return bytes(body)
