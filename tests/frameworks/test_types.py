"""`ASGIHandler(app)` is right to mypy, too, for the app of every framework.

The checks run mypy on this file; its types are the test.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import blacksheep
import fastapi
import flask
import litestar
import quart
import starlette.applications
from django.core.handlers.asgi import ASGIHandler as DjangoApp

from tests.compat.beside import current_loop
from warmstart import ASGIHandler, WSGIHandler
from warmstart.compat.mangum import Mangum


async def bare(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """As most people annotate an app, if they do."""


def test_every_frameworks_app_is_an_app() -> None:
    ASGIHandler(blacksheep.Application())
    ASGIHandler(DjangoApp)
    ASGIHandler(fastapi.FastAPI())
    ASGIHandler(litestar.Litestar())
    ASGIHandler(quart.Quart("shop"))
    ASGIHandler(starlette.applications.Starlette())
    ASGIHandler(bare)
    WSGIHandler(flask.Flask("shop"))
    WSGIHandler(flask.Flask("shop").wsgi_app)
    with current_loop():  # Python 3.11 would make one for them, which nobody closes
        Mangum(litestar.Litestar())
        Mangum(quart.Quart("shop"))
