"""Apps of frameworks, as people serve them with Mangum."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Cookie, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from warmstart.adapter.asgi import ASGIApp


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
    yield {"greeting": "hello"}


async def _describe(request: Request) -> Response:
    """All that the app can tell of its request; repeated headers, cookies, background work."""
    done: list[str] = []
    response = JSONResponse(
        {
            "url": str(request.url),
            "client": request.client,
            "query": request.query_params.multi_items(),
            "headers": request.headers.items(),
            "cookies": request.cookies,
            "body": (await request.body()).decode("latin-1"),
            "state": getattr(request.state, "greeting", None),
        },
        background=BackgroundTask(done.append, "done"),
    )
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    response.headers.append("x-tag", "a")
    response.headers.append("x-tag", "b")
    return response


def starlette() -> ASGIApp:
    return Starlette(routes=[Route("/{path:path}", _describe, methods=["POST", "PUT"])])


def starlette_with_lifespan() -> ASGIApp:
    return Starlette(
        routes=[Route("/{path:path}", _describe, methods=["POST", "PUT"])], lifespan=lifespan
    )


def streaming() -> ASGIApp:
    async def stream(request: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            for number in range(3):
                yield f"{number}\n".encode() * 500

        return StreamingResponse(chunks(), media_type="text/plain")

    app = Starlette(routes=[Route("/{path:path}", stream, methods=["POST", "PUT"])])
    app.add_middleware(GZipMiddleware)
    return app


def fastapi() -> ASGIApp:
    app = FastAPI(lifespan=lifespan)

    @app.api_route("/{path:path}", methods=["POST", "PUT"])
    def describe(path: str, request: Request, theme: str | None = Cookie(None)) -> dict[str, Any]:
        return {"path": path, "url": str(request.url), "theme": theme}

    return app


def failing() -> ASGIApp:
    async def fail(request: Request) -> Response:
        raise ValueError("no")

    return Starlette(routes=[Route("/{path:path}", fail, methods=["POST", "PUT"])])
