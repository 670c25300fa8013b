"""The shop in Django."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path
from django.views.decorators.http import require_GET, require_POST, require_safe

from tests.frameworks.apps.shop import LOGO, OutOfStock, deliver_now, receipt, tell

settings.configure(
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a shop of tests has no secrets",
)


@require_GET
def show_item(request: HttpRequest, number: int) -> HttpResponse:
    return JsonResponse(
        {"id": number, "tags": request.GET.getlist("tag"), "q": request.GET.get("q")}
    )


@require_POST
def add_item(request: HttpRequest) -> HttpResponse:
    return JsonResponse(json.loads(request.body) | {"added": True}, status=201)


async def greet(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(f"Hello, {name}!", content_type="text/plain; charset=utf-8")


@require_POST
def log_in(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.POST["user"], "roles": request.POST.getlist("role")})


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES["file"]
    return JsonResponse(
        receipt(file.name, file.content_type, file.read(), str(request.POST["note"]))
    )


async def show_cookies(request: HttpRequest) -> HttpResponse:
    return JsonResponse(request.COOKIES)


@require_POST
async def open_session(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(status=204)
    response.set_cookie("session", "abc", httponly=True)
    response.set_cookie("theme", "dark", secure=True)
    response.set_cookie("seen", "1")
    return response


async def moved(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect("/items/1?tag=new")
    response.status_code = 303
    return response


async def story(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(tell(), content_type="text/plain; charset=utf-8")


def fail(request: HttpRequest) -> HttpResponse:
    raise OutOfStock


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(LOGO, content_type="image/png")


class Postcard(HttpResponse):
    """Django closes a response when it has gone: work done here keeps nobody waiting."""

    text: str

    def close(self) -> None:
        super().close()
        deliver_now(self.text)


@require_POST
def send_postcard(request: HttpRequest) -> HttpResponse:
    response = Postcard("on its way", status=202)
    response.text = request.body.decode()
    return response


def repeat_name(request: HttpRequest) -> HttpResponse:
    return HttpResponse("see the header", headers={"x-name": request.headers["x-name"]})


urlpatterns: list[Any] = [
    path("items/<int:number>", show_item),
    path("items", add_item),
    path("greet/<name>", greet),
    path("login", log_in),
    path("uploads", upload),
    path("cookies", show_cookies),
    path("session", open_session),
    path("moved", moved),
    path("story", story),
    path("fail", fail),
    path("logo.png", logo),
    path("postcards", send_postcard),
    path("name", repeat_name),
]

app = get_asgi_application()
