"""An app in FastAPI that tells the addresses of its pages, with its docs and a mounted app's."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse

app = FastAPI()
admin = FastAPI()
router = APIRouter(prefix="/items", default_response_class=PlainTextResponse)


@app.get("/", response_class=PlainTextResponse)
def home() -> str:
    return "home"


@router.get("/")
def items() -> str:
    return "items"


@router.get("/{name}")
def item(name: str) -> str:
    return f"item {name}"


@app.get("/links")
async def links(request: Request) -> dict[str, str]:
    return {
        "here": str(request.url),
        "base": str(request.base_url),
        "home": str(request.url_for("home")),
        "items": str(request.url_for("items")),
        "item": str(request.url_for("item", name="a b é")),
        "users": str(request.url_for("admin:users")),
        "item_path": request.url_for("item", name="a b é").path,
    }


@admin.get("/users/", response_class=PlainTextResponse)
def users() -> str:
    return "users"


@admin.get("/links")
async def links_of_admin(request: Request) -> dict[str, str]:
    return {"here": str(request.url), "users": str(request.url_for("admin:users"))}


app.include_router(router)
app.mount("/admin", admin, name="admin")
