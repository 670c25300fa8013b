"""The shop in BlackSheep."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from blacksheep import (
    Application,
    Content,
    Cookie,
    Request,
    Response,
    Router,
    StreamedContent,
    json,
    see_other,
    text,
)

from tests.frameworks.apps.shop import LOGO, Counter, OutOfStock, receipt, tell

router = Router()
app = Application(router=router)
counter = Counter()


@app.lifespan  # type: ignore[untyped-decorator]
async def keep_counter(app: Application) -> AsyncIterator[None]:
    await counter.open()
    yield
    await counter.close()


@router.get("/items/{number}")
async def show_item(number: int, request: Request) -> Response:
    tags = request.query.get("tag", [])
    q = request.query.get("q")
    return json({"id": number, "tags": tags, "q": q[0] if q else None})


@router.post("/items")
async def add_item(request: Request) -> Response:
    item: dict[str, Any] = await request.json()
    return json(item | {"added": True}, status=201)


@router.get("/greet/{name}")
async def greet(name: str) -> Response:
    return text(f"Hello, {name}!")


@router.post("/login")
async def log_in(request: Request) -> Response:
    form = await request.form()
    assert form is not None
    return json({"user": form["user"], "roles": form["role"]})


@router.post("/uploads")
async def upload(request: Request) -> Response:
    parts = {part.name: part for part in await request.multipart() or []}
    file, note = parts[b"file"], parts[b"note"]
    filename = file.file_name.decode() if file.file_name else None
    content_type = file.content_type.decode() if file.content_type else None
    return json(receipt(filename, content_type, file.data, note.data.decode()))


@router.get("/cookies")
async def show_cookies(request: Request) -> Response:
    return json(dict(request.cookies))


@router.post("/session")
async def open_session() -> Response:
    response = Response(204)
    response.set_cookie(Cookie("session", "abc", http_only=True))
    response.set_cookie(Cookie("theme", "dark", secure=True))
    response.set_cookie(Cookie("seen", "1"))
    return response


@router.get("/moved")
async def moved() -> Response:
    return see_other("/items/1?tag=new")


@router.get("/story")
async def story() -> Response:
    return Response(200, content=StreamedContent(b"text/plain; charset=utf-8", tell))


@router.get("/visit")
async def count_visit() -> Response:
    return json({"visit": await counter.next()})


@router.get("/fail")
async def fail() -> Response:
    raise OutOfStock


async def logo() -> Response:
    return Response(200, content=Content(b"image/png", LOGO))


router.add_get("/logo.png", logo)
router.add_head("/logo.png", logo)


@router.get("/name")
async def repeat_name(request: Request) -> Response:
    response = text("see the header")
    response.add_header(b"x-name", request.get_first_header(b"x-name") or b"")
    return response
