"""The shop in Starlette."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tests.frameworks.apps.shop import LOGO, Counter, OutOfStock, deliver, receipt, tell


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    counter = Counter()
    await counter.open()
    yield {"counter": counter}
    await counter.close()


async def show_item(request: Request) -> Response:
    return JSONResponse(
        {
            "id": request.path_params["id"],
            "tags": request.query_params.getlist("tag"),
            "q": request.query_params.get("q"),
        }
    )


async def add_item(request: Request) -> Response:
    item = await request.json()
    return JSONResponse(item | {"added": True}, status_code=201)


async def greet(request: Request) -> Response:
    return PlainTextResponse(f"Hello, {request.path_params['name']}!")


async def log_in(request: Request) -> Response:
    async with request.form() as form:
        return JSONResponse({"user": form["user"], "roles": form.getlist("role")})


async def upload(request: Request) -> Response:
    async with request.form() as form:
        file = form["file"]
        assert isinstance(file, UploadFile)
        data = await file.read()
        return JSONResponse(receipt(file.filename, file.content_type, data, str(form["note"])))


async def show_cookies(request: Request) -> Response:
    return JSONResponse(request.cookies)


async def open_session(request: Request) -> Response:
    response = Response(status_code=204)
    response.set_cookie("session", "abc", httponly=True)
    response.set_cookie("theme", "dark", secure=True)
    response.set_cookie("seen", "1")
    return response


async def moved(request: Request) -> Response:
    return RedirectResponse("/items/1?tag=new", status_code=303)


async def story(request: Request) -> Response:
    return StreamingResponse(tell(), media_type="text/plain")


async def count_visit(request: Request) -> Response:
    return JSONResponse({"visit": await request.state.counter.next()})


async def fail(request: Request) -> Response:
    raise OutOfStock


async def logo(request: Request) -> Response:
    return Response(LOGO, media_type="image/png")


async def send_postcard(request: Request) -> Response:
    text = (await request.body()).decode()
    task = BackgroundTask(deliver, text)
    return PlainTextResponse("on its way", status_code=202, background=task)


async def repeat_name(request: Request) -> Response:
    return PlainTextResponse("see the header", headers={"x-name": request.headers["x-name"]})


app = Starlette(
    routes=[
        Route("/items/{id:int}", show_item),
        Route("/items", add_item, methods=["POST"]),
        Route("/greet/{name}", greet),
        Route("/login", log_in, methods=["POST"]),
        Route("/uploads", upload, methods=["POST"]),
        Route("/cookies", show_cookies),
        Route("/session", open_session, methods=["POST"]),
        Route("/moved", moved),
        Route("/story", story),
        Route("/visit", count_visit),
        Route("/fail", fail),
        Route("/logo.png", logo),
        Route("/postcards", send_postcard, methods=["POST"]),
        Route("/name", repeat_name),
    ],
    lifespan=lifespan,
)
