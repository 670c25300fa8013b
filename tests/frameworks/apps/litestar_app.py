"""The shop in Litestar."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from litestar import HttpMethod, Litestar, MediaType, Request, Response, get, post, route
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie, State, UploadFile
from litestar.params import (
    FromPath,
    FromQuery,
    HeaderParameter,
    JSONBody,
    MultipartBody,
    QueryParameter,
)
from litestar.response import Redirect, Stream

from tests.frameworks.apps.shop import LOGO, Counter, OutOfStock, deliver, receipt, tell


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    app.state.counter = Counter()
    await app.state.counter.open()
    yield
    await app.state.counter.close()


@get("/items/{number:int}", sync_to_thread=False)
def show_item(
    number: FromPath[int],
    q: FromQuery[str | None] = None,
    tags: Annotated[list[str] | None, QueryParameter(name="tag")] = None,
) -> dict[str, Any]:
    return {"id": number, "tags": tags or [], "q": q}


@post("/items")
async def add_item(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    return data | {"added": True}


@get("/greet/{name:str}", media_type=MediaType.TEXT)
async def greet(name: FromPath[str]) -> str:
    return f"Hello, {name}!"


@post("/login", status_code=200)
async def log_in(request: Request[Any, Any, Any]) -> dict[str, Any]:
    form = await request.form()
    return {"user": form["user"], "roles": form.getall("role")}


@post("/uploads", status_code=200)
async def upload(data: MultipartBody[dict[str, Any]]) -> Any:
    file = data["file"]
    assert isinstance(file, UploadFile)
    return receipt(file.filename, file.content_type, await file.read(), data["note"])


@get("/cookies")
async def show_cookies(request: Request[Any, Any, Any]) -> dict[str, str]:
    return request.cookies


@post("/session", status_code=204)
async def open_session() -> Response[None]:
    cookies = [
        Cookie("session", value="abc", httponly=True),
        Cookie("theme", value="dark", secure=True),
        Cookie("seen", value="1"),
    ]
    return Response(None, status_code=204, cookies=cookies)


@get("/moved", status_code=303)
async def moved() -> Redirect:
    return Redirect("/items/1?tag=new", status_code=303)


@get("/story")
async def story() -> Stream:
    return Stream(tell(), media_type=MediaType.TEXT)


@get("/visit")
async def count_visit(state: State) -> dict[str, int]:
    return {"visit": await state.counter.next()}


@get("/fail")
async def fail() -> None:
    raise OutOfStock


@route("/logo.png", http_method=[HttpMethod.GET, HttpMethod.HEAD], sync_to_thread=False)
def logo() -> Response[bytes]:
    return Response(LOGO, media_type="image/png")


@post("/postcards", status_code=202)
async def send_postcard(request: Request[Any, Any, Any]) -> Response[str]:
    text = (await request.body()).decode()
    task = BackgroundTask(deliver, text)
    return Response("on its way", media_type=MediaType.TEXT, background=task)


@get("/name")
async def repeat_name(name: Annotated[str, HeaderParameter(name="x-name")]) -> Response[str]:
    return Response("see the header", media_type=MediaType.TEXT, headers={"x-name": name})


app = Litestar(
    route_handlers=[
        show_item,
        add_item,
        greet,
        log_in,
        upload,
        show_cookies,
        open_session,
        moved,
        story,
        count_visit,
        fail,
        logo,
        send_postcard,
        repeat_name,
    ],
    lifespan=[lifespan],
)
