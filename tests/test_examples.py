"""Each example works by itself, as its framework runs it; the chain is not part of this."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from examples import plain_handler, woken_app
from warmstart.triggers.samples import Occasion, changed, sample


@pytest.fixture(params=["fastapi_app", "starlette_app", "django_app"])
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = importlib.import_module(f"examples.{request.param}")
    monkeypatch.setattr(module, "PAUSE", 0)
    return module


@pytest.fixture
async def client(example: ModuleType) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(example.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://example.test") as client:
        yield client


async def test_the_page_is_html(client: httpx.AsyncClient) -> None:
    response = await client.get("/")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>It runs</h1>" in response.text


async def test_every_button_of_the_page_has_its_route(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text

    paths = {part.split('"')[0].split("?")[0] for part in page.split('data-path="')[1:]}
    assert paths == {"hello", "echo", "countdown", "postcard"}
    for path in paths:
        assert (await client.options(path)).status_code != 404


async def test_json_answers_with_the_name_it_was_given(client: httpx.AsyncClient) -> None:
    assert (await client.get("/hello")).json() == {"hello": "world"}
    assert (await client.get("/hello?name=you")).json() == {"hello": "you"}


async def test_echo_returns_the_body_and_its_type(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/echo", content=b"\x00\xff", headers={"content-type": "application/octet-stream"}
    )

    assert response.content == b"\x00\xff"
    assert response.headers["content-type"] == "application/octet-stream"


async def test_the_countdown_is_sent_piece_by_piece(example: ModuleType) -> None:
    messages = await call(example.app, "GET", "/countdown")

    pieces = [message["body"].decode() for message in messages if message.get("body")]
    assert pieces == ["3 …\n", "2 …\n", "1 …\n", "lift-off\n"]


async def test_the_postcard_is_delivered_after_the_answer(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    printed_before = []
    messages = await call(
        example.app,
        "POST",
        "/postcard",
        b"Wish you were here",
        on_send=lambda: printed_before.append(capsys.readouterr().out),
    )

    assert messages[0]["status"] == 202
    assert json.loads(messages[1]["body"]) == {"postcard": "is on its way"}
    assert "".join(printed_before) == ""
    assert capsys.readouterr().out == "postcard delivered: Wish you were here\n"


async def call(
    app: Any, method: str, path: str, body: bytes = b"", on_send: Callable[[], None] | None = None
) -> list[dict[str, Any]]:
    """The ASGI messages that `app` answers with, one by one where httpx would join them."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"example.test")],
    }
    requests = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not requests:
            await asyncio.Event().wait()  # the client stays
        return requests.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if on_send:
            on_send()

    await app(scope, receive, send)
    return sent


@dataclass
class Context:
    aws_request_id: str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


@pytest.mark.parametrize(
    ("query", "name"), [({}, "world"), ({"queryStringParameters": {"name": "you"}}, "you")]
)
def test_the_plain_handler_answers_a_function_url_event(query: dict[str, Any], name: str) -> None:
    event = {"version": "2.0", "rawPath": "/some/path", **query}

    answer = plain_handler.handler(event, Context())

    assert answer["statusCode"] == 200
    assert answer["headers"] == {"content-type": "application/json"}
    assert json.loads(answer["body"]) == {
        "hello": name,
        "path": "/some/path",
        "request_id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "milliseconds_left": 3000,
    }


def test_the_woken_app_takes_a_schedules_event_and_an_upload(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(woken_app, "UPLOADS", tmp_path)
    (tmp_path / "my photo.jpg").write_text("one two")
    occasion = Occasion(datetime(2026, 11, 24, 12, tzinfo=UTC), "id")
    upload = changed(sample("s3-put", occasion), ["Records[0].s3.object.key=my+photo.jpg"])

    for event in (sample("schedule", occasion), upload):
        assert woken_app.handler(event, None) is None

    assert capsys.readouterr().out.splitlines() == [
        "At 2026-11-24T12:00:00Z there are 1 files",
        "my photo.jpg has 2 words",
    ]
