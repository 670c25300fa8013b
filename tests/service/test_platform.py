"""What the platform adds to its parts: who may call, and what goes on while it is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.service.api.serving import serving
from warmstart.service.environments_api import ENVIRONMENTS
from warmstart.service.platform import Platform, Settings

PAGE = {"Origin": "https://example.com"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(directory=tmp_path, endpoint=lambda: "http://127.0.0.1")
    async with Platform.open(settings) as platform, serving(platform) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            yield http


async def test_without_keys_programs_may_call_and_web_pages_may_not(
    http: httpx.AsyncClient,
) -> None:
    for path in ("/2015-03-31/functions", ENVIRONMENTS):
        assert (await http.get(path)).status_code == 200
        assert (await http.get(path, headers=PAGE)).status_code == 403
    assert (await http.post("/2015-03-31/functions", headers=PAGE)).status_code == 403
