"""A door behind a real server, and httpx in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.service.api.serving import serving
from warmstart.triggers.push.door import Door
from warmstart.triggers.push.push import Receiver


@asynccontextmanager
async def door(
    receivers: Mapping[str, Receiver], token: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a door, behind which nothing else is but a teapot."""
    async with (
        serving(Door(_teapot, receivers, token)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        yield http


async def _teapot(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})
