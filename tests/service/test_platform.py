"""What the platform adds to its parts: who may call, and what goes on while it is open."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.service.api.serving import call, client, serving
from tests.service.asynchronous.played import until
from warmstart.service import platform as platform_module
from warmstart.service.environments_api import ENVIRONMENTS
from warmstart.service.logs.files import LogFiles
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


async def test_old_logs_are_deleted_even_after_a_time_when_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(platform_module, "RETENTION_INTERVAL", 0.01)
    files = LogFiles(tmp_path / "logs")
    files.create_group("group")
    files.write("group", "old", [(1, "from 1970")], now=1)
    files.flush()
    unreadable = tmp_path / "logs/group/a directory.jsonl"
    unreadable.mkdir()
    settings = Settings(directory=tmp_path, endpoint=lambda: "http://127.0.0.1")
    async with Platform.open(settings) as platform, serving(platform) as port:
        logs = client("logs", port)
        await call(logs.put_retention_policy, logGroupName="group", retentionInDays=1)
        await until(lambda: "Old logs could not be deleted" in caplog.text)
        unreadable.rmdir()
        await until(lambda: not files.has_stream("group", "old"))
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
