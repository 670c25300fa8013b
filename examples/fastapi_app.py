"""A FastAPI app. Run it with `warmstart dev examples.fastapi_app:app`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

PAGE = Path(__file__).with_name("index.html")
PAUSE = 0.5  # seconds

app = FastAPI(title="warmstart example")


@app.get("/")
async def page() -> FileResponse:
    return FileResponse(PAGE)


@app.get("/hello")
async def hello(name: str = "world") -> dict[str, str]:
    return {"hello": name}


@app.post("/echo")
async def echo(request: Request) -> Response:
    return Response(await request.body(), media_type=request.headers.get("content-type"))


@app.get("/countdown")
async def countdown() -> StreamingResponse:
    async def count() -> AsyncIterator[str]:
        for number in (3, 2, 1):
            yield f"{number} …\n"
            await asyncio.sleep(PAUSE)
        yield "lift-off\n"

    return StreamingResponse(count(), media_type="text/plain; charset=utf-8")


@app.post("/postcard", status_code=202)
async def postcard(request: Request, background: BackgroundTasks) -> dict[str, str]:
    text = (await request.body()).decode()
    background.add_task(deliver, text)
    return {"postcard": "is on its way"}


async def deliver(text: str) -> None:
    """Runs when the answer has gone: nobody waits for it, and it is not frozen half way."""
    await asyncio.sleep(PAUSE)
    print(f"postcard delivered: {text}")
