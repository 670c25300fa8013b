"""A project in Django that tells the addresses of its pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import include, path, reverse

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="links of tests are no secrets",
)


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("home")


async def items(request: HttpRequest) -> HttpResponse:
    return HttpResponse("items")


def item(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"item {name}")


def users(request: HttpRequest) -> HttpResponse:
    return HttpResponse("users")


def to_item(request: HttpRequest) -> HttpResponse:
    return redirect("item", name="a b é")


async def links(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "here": request.build_absolute_uri(),
            "base": request.build_absolute_uri(reverse("home")),
            "home": request.build_absolute_uri(reverse("home")),
            "items": request.build_absolute_uri(reverse("items")),
            "item": request.build_absolute_uri(reverse("item", args=["a b é"])),
            "users": request.build_absolute_uri(reverse("admin:users")),
            "item_path": reverse("item", args=["a b é"]),
        }
    )


def links_of_admin(request: HttpRequest) -> HttpResponse:
    return JsonResponse(
        {
            "here": request.build_absolute_uri(),
            "users": request.build_absolute_uri(reverse("admin:users")),
        }
    )


admin: Any = ([path("users/", users, name="users"), path("links", links_of_admin)], "admin")

urlpatterns: list[Any] = [
    path("", home, name="home"),
    path("items/", items, name="items"),
    path("items/<name>", item, name="item"),
    path("to-item", to_item),
    path("links", links),
    path("admin/", include(admin)),
]

app = get_asgi_application()
