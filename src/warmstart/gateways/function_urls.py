"""All Function URLs of a region behind one port: the host tells which one is asked.

Each request is looked up anew, so that a URL's configuration holds from the next
request on. What a single URL does is in `function_url.py`.

https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from warmstart.events.http import Headers
from warmstart.gateways.cors import is_preflight, preflight_headers, response_headers
from warmstart.gateways.function_url import (
    Access,
    Authorize,
    FunctionURL,
    InvokeMode,
    Message,
    Receive,
    Send,
)
from warmstart.invoke import Invoker

__all__ = ["FunctionURLs", "Url", "is_function_url"]

_DOMAIN = b".lambda-url."


class Url(Protocol):
    """A URL's configuration; the values are AWS's."""

    @property
    def url_id(self) -> str: ...

    @property
    def function(self) -> str: ...

    @property
    def qualifier(self) -> str | None: ...

    @property
    def auth_type(self) -> str: ...

    @property
    def invoke_mode(self) -> str: ...

    @property
    def cors(self) -> Mapping[str, Any] | None: ...


def is_function_url(scope: Message) -> bool:
    """Whether a request is for a Function URL, by its host."""
    return scope["type"] == "http" and _DOMAIN in _host(scope)


class FunctionURLs:
    """The ASGI application in front of all functions that have a URL.

    `find` gives the URL of an id, the first label of the host. `authorize` is asked about
    requests to URLs whose `AuthType` is `AWS_IAM`.
    """

    def __init__(
        self,
        find: Callable[[str], Url | None],
        invoker: Invoker,
        *,
        authorize: Authorize,
        region: str = "us-east-1",
        observer: Callable[[Access], None] | None = None,
    ) -> None:
        self._find = find
        self._invoker = invoker
        self._authorize = authorize
        self._region = region
        self._observer = observer

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        url = self._find(_host(scope).partition(b".")[0].decode("latin-1"))
        if url is None:
            await _answer(send, 403, _NO_URL_HEADERS, _NO_URL)
            return
        sent = dict(scope["headers"])
        if url.cors is None:
            await self._function_url(url)(scope, receive, send)
        elif is_preflight(scope["method"], sent):
            await _answer(send, 200, preflight_headers(url.cors, sent))
        else:
            added = response_headers(url.cors, sent)
            await self._function_url(url)(scope, receive, _adding(added, send))

    def _function_url(self, url: Url) -> FunctionURL:
        return FunctionURL(
            self._invoker,
            url.function,
            qualifier=url.qualifier,
            mode=InvokeMode(url.invoke_mode),
            region=self._region,
            url_id=url.url_id,
            authorize=self._authorize if url.auth_type == "AWS_IAM" else None,
            observer=self._observer,
        )


# What AWS answers where there is no such URL.
_NO_URL = b'{"Message":null}'
_NO_URL_HEADERS: Headers = [
    (b"content-type", b"application/json"),
    (b"x-amzn-errortype", b"AccessDeniedException"),
]


def _host(scope: Message) -> bytes:
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return hosts[0].lower() if hosts else b""


def _adding(added: Headers, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending


async def _answer(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    headers = [
        *headers,
        (b"content-length", b"%d" % len(body)),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
