"""A Starlette app. Run it with `warmstart dev examples.starlette_app:app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PAGE = Path(__file__).with_name("index.html")
PAUSE = 0.5  # seconds


async def page(request: Request) -> FileResponse:
    return FileResponse(PAGE)


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.query_params.get("name", "world")})


async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type=request.headers.get("content-type"))


async def countdown(request: Request) -> StreamingResponse:
    async def count() -> AsyncIterator[str]:
        for number in (3, 2, 1):
            yield f"{number} …\n"
            await asyncio.sleep(PAUSE)
        yield "lift-off\n"

    return StreamingResponse(count(), media_type="text/plain; charset=utf-8")


async def postcard(request: Request) -> JSONResponse:
    text = (await request.body()).decode()
    answer = {"postcard": "is on its way"}
    return JSONResponse(answer, status_code=202, background=BackgroundTask(deliver, text))


async def deliver(text: str) -> None:
    """Runs when the answer has gone: nobody waits for it, and it is not frozen half way."""
    await asyncio.sleep(PAUSE)
    print(f"postcard delivered: {text}")


app = Starlette(
    routes=[
        Route("/", page),
        Route("/hello", hello),
        Route("/echo", echo, methods=["POST"]),
        Route("/countdown", countdown),
        Route("/postcard", postcard, methods=["POST"]),
    ]
)
