"""The shop in FastAPI: some endpoints are plain `def`, which FastAPI runs in threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import (
    BackgroundTasks,
    FastAPI,
    File,
    Form,
    Header,
    Query,
    Request,
    Response,
    UploadFile,
)
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel

from tests.frameworks.apps.shop import LOGO, Counter, OutOfStock, deliver, receipt, tell


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    counter = Counter()
    await counter.open()
    yield {"counter": counter}
    await counter.close()


app = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    name: str


@app.get("/items/{id}")
def show_item(
    id: int,  # noqa: A002 - the name of the path parameter
    q: str | None = None,
    tag: Annotated[list[str] | None, Query()] = None,
) -> dict[str, Any]:
    return {"id": id, "tags": tag or [], "q": q}


@app.post("/items", status_code=201)
def add_item(item: Item) -> dict[str, Any]:
    return item.model_dump() | {"added": True}


@app.get("/greet/{name}", response_class=PlainTextResponse)
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@app.post("/login")
async def log_in(
    user: Annotated[str, Form()], role: Annotated[list[str], Form()]
) -> dict[str, Any]:
    return {"user": user, "roles": role}


@app.post("/uploads")
async def upload(file: Annotated[UploadFile, File()], note: Annotated[str, Form()]) -> Any:
    return receipt(file.filename, file.content_type, await file.read(), note)


@app.get("/cookies")
async def show_cookies(request: Request) -> dict[str, str]:
    return request.cookies


@app.post("/session", status_code=204)
async def open_session(response: Response) -> None:
    response.set_cookie("session", "abc", httponly=True)
    response.set_cookie("theme", "dark", secure=True)
    response.set_cookie("seen", "1")


@app.get("/moved")
async def moved() -> RedirectResponse:
    return RedirectResponse("/items/1?tag=new", status_code=303)


@app.get("/story")
async def story() -> StreamingResponse:
    return StreamingResponse(tell(), media_type="text/plain")


@app.get("/visit")
async def count_visit(request: Request) -> dict[str, int]:
    return {"visit": await request.state.counter.next()}


@app.get("/fail")
def fail() -> None:
    raise OutOfStock


@app.api_route("/logo.png", methods=["GET", "HEAD"])
def logo() -> Response:
    return Response(LOGO, media_type="image/png")


@app.post("/postcards", status_code=202, response_class=PlainTextResponse)
async def send_postcard(request: Request, tasks: BackgroundTasks) -> str:
    tasks.add_task(deliver, (await request.body()).decode())
    return "on its way"


@app.get("/name", response_class=PlainTextResponse)
async def repeat_name(response: Response, x_name: Annotated[str, Header()]) -> str:
    response.headers["x-name"] = x_name
    return "see the header"
