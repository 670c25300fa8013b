"""Settings of every test."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio alone, as ASGI servers and Lambda do."""
    return "asyncio"
