"""Fixtures of the adapter's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from warmstart.adapter.asgi import ASGIApp
from warmstart.adapter.handler import ASGIHandler


class MakeHandler(Protocol):
    def __call__(self, app: ASGIApp, **options: Any) -> ASGIHandler: ...


@pytest.fixture
def make_handler() -> Iterator[MakeHandler]:
    """Makes handlers whose environments end with the test."""
    made: list[ASGIHandler] = []

    def make(app: ASGIApp, **options: Any) -> ASGIHandler:
        handler = ASGIHandler(app, **options)
        made.append(handler)
        return handler

    yield make
    for handler in made:
        handler.stop_environment()
