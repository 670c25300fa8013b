"""The apps: one endpoint that greets, one that takes a body, two that send one, one in a thread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:  # what this file loads is no part of an adapter's cost
    from warmstart.adapter.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["BINARY", "TEXT", "fastapi_app", "raw", "starlette_app"]

MEGABYTE = 1024 * 1024
TEXT = (b"The quick brown fox jumps over the lazy dog.\n" * (MEGABYTE // 45 + 1))[:MEGABYTE]
BINARY = os.urandom(MEGABYTE)

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"17")]
_BODIES = {
    "/hello": (_HEADERS, b'{"hello":"you"}\r\n'),
    "/text": ([(b"content-type", b"text/plain; charset=utf-8")], TEXT),
    "/binary": ([(b"content-type", b"application/octet-stream")], BINARY),
}


async def raw(scope: Scope, receive: Receive, send: Send) -> None:
    """An app without a framework."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers, body = _BODIES[scope["path"]]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.query_params["name"]})


def hello_in_thread(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.query_params["name"]})


starlette_app: ASGIApp = Starlette(
    routes=[Route("/hello", hello), Route("/thread", hello_in_thread)]
)

_fastapi = FastAPI()


@_fastapi.get("/hello")
async def greet(name: str) -> dict[str, str]:
    return {"hello": name}


@_fastapi.get("/thread")
def greet_in_thread(name: str) -> dict[str, str]:
    return {"hello": name}


fastapi_app: ASGIApp = _fastapi
