"""Classic Django over WSGI: serves the events on its standard input, one JSON a line.

A program of its own, as Django takes its settings once in a process.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path, re_path, reverse

from warmstart import WSGIHandler

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a test has no secrets",
    LOGGING_CONFIG=None,
)


def upload(request: HttpRequest) -> HttpResponse:
    (file,) = request.FILES.values()
    return JsonResponse({"file": [file.name, file.read().decode()], "form": request.POST.dict()})


def stream(request: HttpRequest) -> HttpResponse:
    return StreamingHttpResponse([b"a", b"b", b"c"], content_type="text/plain")


def send_file(request: HttpRequest) -> HttpResponse:
    return FileResponse(open(__file__, "rb"), content_type="text/x-python")


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("no")


def describe(request: HttpRequest) -> HttpResponse:
    response = JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "reverse": reverse(send_file),
            "absolute": request.build_absolute_uri(reverse(stream)),
            "query": dict(request.GET.lists()),
            "cookies": request.COOKIES,
            "body": request.body.decode("latin-1"),
            "secure": request.is_secure(),
            "client": request.META.get("REMOTE_ADDR"),
            "thread": threading.current_thread().name,
        }
    )
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


urlpatterns: list[Any] = [
    path("upload/", upload),
    path("stream/", stream),
    path("file/", send_file),
    path("fail/", fail),
    re_path("", describe),
]

if __name__ == "__main__":
    handler = WSGIHandler(get_wsgi_application(), base_path="/v1")
    for line in sys.stdin:
        sys.stdout.write(json.dumps(handler(json.loads(line), None)) + "\n")
        sys.stdout.flush()
