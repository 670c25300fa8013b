"""The shop in Quart."""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, redirect, request

from tests.frameworks.apps.shop import LOGO, Counter, OutOfStock, deliver, receipt, tell

app = Quart(__name__)
counter = Counter()


@app.before_serving
async def open_counter() -> None:
    await counter.open()


@app.after_serving
async def close_counter() -> None:
    await counter.close()


@app.get("/items/<int:number>")
async def show_item(number: int) -> dict[str, Any]:
    return {"id": number, "tags": request.args.getlist("tag"), "q": request.args.get("q")}


@app.post("/items")
async def add_item() -> tuple[dict[str, Any], int]:
    item = await request.get_json()
    return item | {"added": True}, 201


@app.get("/greet/<name>")
async def greet(name: str) -> Response:
    return Response(f"Hello, {name}!", content_type="text/plain; charset=utf-8")


@app.post("/login")
async def log_in() -> dict[str, Any]:
    form = await request.form
    return {"user": form["user"], "roles": form.getlist("role")}


@app.post("/uploads")
async def upload() -> Any:
    file = (await request.files)["file"]
    form = await request.form
    return receipt(file.filename, file.content_type, file.read(), form["note"])


@app.get("/cookies")
async def show_cookies() -> dict[str, str]:
    return dict(request.cookies)


@app.post("/session")
async def open_session() -> Response:
    response = Response("", status=204)
    response.set_cookie("session", "abc", httponly=True)
    response.set_cookie("theme", "dark", secure=True)
    response.set_cookie("seen", "1")
    return response


@app.get("/moved")
async def moved() -> Any:
    return redirect("/items/1?tag=new", code=303)


@app.get("/story")
async def story() -> Response:
    return Response(tell(), content_type="text/plain; charset=utf-8")


@app.get("/visit")
async def count_visit() -> dict[str, int]:
    return {"visit": await counter.next()}


@app.get("/fail")
async def fail() -> str:
    raise OutOfStock


@app.get("/logo.png")
async def logo() -> Response:
    return Response(LOGO, content_type="image/png")


@app.post("/postcards")
async def send_postcard() -> tuple[str, int]:
    app.add_background_task(deliver, await request.get_data(as_text=True))
    return "on its way", 202


@app.get("/name")
async def repeat_name() -> Response:
    return Response("see the header", headers={"x-name": request.headers["x-name"]})
