"""An app in Starlette that tells the addresses of its pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route


async def home(request: Request) -> Response:
    return PlainTextResponse("home")


async def items(request: Request) -> Response:
    return PlainTextResponse("items")


async def item(request: Request) -> Response:
    return PlainTextResponse(f"item {request.path_params['name']}")


async def users(request: Request) -> Response:
    return PlainTextResponse("users")


async def links(request: Request) -> Response:
    return JSONResponse(
        {
            "here": str(request.url),
            "base": str(request.base_url),
            "home": str(request.url_for("home")),
            "items": str(request.url_for("items")),
            "item": str(request.url_for("item", name="a b é")),
            "users": str(request.url_for("admin:users")),
            "item_path": request.url_for("item", name="a b é").path,
        }
    )


async def links_of_admin(request: Request) -> Response:
    return JSONResponse({"here": str(request.url), "users": str(request.url_for("admin:users"))})


admin = Starlette(
    routes=[
        Route("/users/", users, name="users"),
        Route("/links", links_of_admin),
    ]
)

app = Starlette(
    routes=[
        Route("/", home, name="home"),
        Route("/items/", items, name="items"),
        Route("/items/{name}", item, name="item"),
        Route("/links", links),
        Mount("/admin", admin, name="admin"),
    ]
)
