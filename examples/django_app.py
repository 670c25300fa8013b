"""Django in one file, over ASGI. Run it with `warmstart dev examples.django_app:app`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

PAGE = Path(__file__).with_name("index.html")
PAUSE = 0.5  # seconds

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="an example has no secrets",
)


@require_GET
async def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.read_bytes())


@require_GET
async def hello(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": request.GET.get("name", "world")})


@require_POST
async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, content_type=request.headers.get("content-type"))


@require_GET
async def countdown(request: HttpRequest) -> StreamingHttpResponse:
    async def count() -> AsyncIterator[str]:
        for number in (3, 2, 1):
            yield f"{number} …\n"
            await asyncio.sleep(PAUSE)
        yield "lift-off\n"

    return StreamingHttpResponse(count(), content_type="text/plain; charset=utf-8")


@require_POST
async def postcard(request: HttpRequest) -> JsonResponse:
    answer = Postcard({"postcard": "is on its way"}, status=202)
    answer.text = request.body.decode()
    return answer


class Postcard(JsonResponse):
    """Django closes a response when it has gone: work done here keeps nobody waiting."""

    text: str

    def close(self) -> None:
        super().close()
        time.sleep(PAUSE)
        print(f"postcard delivered: {self.text}")


urlpatterns = [
    path("", page),
    path("hello", hello),
    path("echo", echo),
    path("countdown", countdown),
    path("postcard", postcard),
]

app = get_asgi_application()
