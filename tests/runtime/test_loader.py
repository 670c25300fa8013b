"""Which objects are ASGI apps, and which are Lambda handlers."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from warmstart.runtime.__main__ import as_handler
from warmstart.runtime.loader import is_asgi_app, load


async def function(scope: Any, receive: Any, send: Any) -> None: ...


async def with_options(scope: Any, receive: Any, send: Any, debug: bool = False) -> None: ...


async def keywords(scope: Any, receive: Any, send: Any, *, debug: bool = False) -> None: ...


class App:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def method(self, scope: Any, receive: Any, send: Any) -> None: ...

    @classmethod
    async def of_class(cls, scope: Any, receive: Any, send: Any) -> None: ...

    @staticmethod
    async def static(scope: Any, receive: Any, send: Any) -> None: ...


async def with_first(first: Any, scope: Any, receive: Any, send: Any) -> None: ...


@functools.wraps(function)
async def wrapped(*arguments: Any) -> None: ...


APPS = [
    function,
    with_options,
    keywords,
    App(),
    App().method,
    App.of_class,
    App.static,
    functools.partial(with_first, 1),
    wrapped,
]


def handler(event: Any, context: Any) -> None: ...


def handler_with_option(event: Any, context: Any, option: int = 0) -> None: ...


class Handler:
    def __call__(self, event: Any, context: Any) -> None: ...

    def method(self, event: Any, context: Any) -> None: ...


@functools.wraps(handler)
def wrapped_handler(*arguments: Any) -> None: ...


HANDLERS = [
    handler,
    handler_with_option,
    Handler(),
    Handler().method,
    lambda *arguments: None,
    functools.partial(function, 1),
    wrapped_handler,
    max,  # has no signature that could be read
    len,
    int,
    5,
]


@pytest.mark.parametrize("app", APPS)
def test_three_arguments_make_an_asgi_app(app: Any) -> None:
    assert is_asgi_app(app)


@pytest.mark.parametrize("found", HANDLERS)
def test_anything_else_is_a_handler(found: Any) -> None:
    assert not is_asgi_app(found)
    assert as_handler(found) is found


@pytest.mark.parametrize(
    "app", ["starlette", "fastapi", "quart", "litestar", "django", "blacksheep"]
)
def test_the_frameworks_apps_are_known(app: str) -> None:
    pytest.importorskip(app)
    make = {
        "starlette": "starlette.applications:Starlette",
        "fastapi": "fastapi:FastAPI",
        "quart": "quart:Quart",
        "litestar": "litestar:Litestar",
        "django": "django.core.handlers.asgi:ASGIHandler",
        "blacksheep": "blacksheep:Application",
    }
    assert is_asgi_app(_make(load(make[app])))


def _make(framework: Any) -> Any:
    if framework.__name__ == "ASGIHandler":
        return framework.__new__(framework)  # as it is; a whole one wants settings
    if framework.__module__.startswith("blacksheep"):
        return framework(router=load("blacksheep:Router")())  # the default one is shared
    return framework(__name__) if framework.__name__ == "Quart" else framework()


def test_an_asgi_app_gets_the_adapter() -> None:
    assert hasattr(as_handler(function), "serve_invocation")


def test_a_colon_allows_a_path_of_attributes() -> None:
    assert load("os:path.join") is load("os.path.join")
