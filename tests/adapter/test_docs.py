"""What docs/asgi.md, docs/events.md and docs/websockets.md show is run here, from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapter import samples
from tests.frameworks.exchanges import RecordingExchange
from warmstart.adapter.connections import MemoryConnections
from warmstart.adapter.events_path import EventRefused
from warmstart.adapter.formats import HTTP_SOURCES
from warmstart.adapter.handler import ASGIHandler
from warmstart.events.source import Source

DOCS = Path(__file__).parent.parent.parent / "docs"


def run_snippets(page: str, **given: Any) -> dict[str, Any]:
    """The names that the page's Python leaves, with `given` to begin with."""
    text = (DOCS / page).read_text()
    snippets = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert snippets
    names = dict(given)
    for snippet in snippets:
        exec(compile(snippet, page, "exec"), names)
    return names


@pytest.fixture(scope="module")
def events() -> Iterator[dict[str, Any]]:
    names = run_snippets("events.md")
    yield names
    names["handler"].stop_environment()
    names["inbox_handler"].stop_environment()


def test_background_tasks_of_the_apps_end_with_the_request_after_its_answer() -> None:
    names = run_snippets("asgi.md", __name__="orders")
    config = names["app"].config
    exchange = RecordingExchange(lambda: config.get("CONFIRMED"), streaming=False)

    names["handler"].serve_invocation(samples.http("/orders", "POST"), None, exchange)

    assert exchange.results[0]["statusCode"] == 202
    assert (exchange.observed, config["CONFIRMED"]) == ([None], True)
    names["handler"].stop_environment()


def test_functions(events: dict[str, Any]) -> None:
    handler = events["handler"]

    assert handler(samples.S3, None) == ["red+flower.jpg"]
    assert handler(samples.SNS, None) == handler(samples.SCHEDULE, None) == "noted"
    assert handler({"job": "report", "month": "May"}, None) == "the report of May"


def test_records(events: dict[str, Any]) -> None:
    batch = samples.sqs("good", "bad", "unreadable")
    for record, body in zip(batch["Records"], ('{"amount": 1}', '{"amount": -1}', ""), strict=True):
        record["body"] = body

    assert events["handler"](batch, None) == {
        "batchItemFailures": [{"itemIdentifier": "bad"}, {"itemIdentifier": "unreadable"}]
    }


def test_a_path_of_the_app(events: dict[str, Any]) -> None:
    handler = events["inbox_handler"]

    assert handler(samples.S3, None) == {"source": "s3", "records": 1}
    assert handler(samples.http("/calendar/events"), None)["statusCode"] == 403
    with pytest.raises(EventRefused):
        handler([], None)  # which FastAPI does not take for a dict


def test_the_page_lists_every_name_that_may_be_registered() -> None:
    page = (DOCS / "events.md").read_text()
    listed = page.partition("These names are known:")[2].partition("\n- ")[0]

    assert re.findall(r"`([^`]+)`", listed) == sorted(
        source.value for source in Source if source not in {*HTTP_SOURCES, Source.WEBSOCKET}
    )


@pytest.fixture(scope="module")
def sockets() -> Iterator[dict[str, Any]]:
    known: dict[str, tuple[str, str | None]] = {}

    async def remember(connection_id: str, endpoint: str, room: str | None) -> None:
        known[connection_id] = endpoint, room

    async def forget(connection_id: str) -> None:
        del known[connection_id]

    async def everybody() -> list[tuple[str, str]]:
        return [(connection_id, endpoint) for connection_id, (endpoint, _) in known.items()]

    names = run_snippets(
        "websockets.md", remember=remember, forget=forget, everybody=everybody, known=known
    )
    yield names
    names["handler"].stop_environment()


def test_an_endpoint_and_its_test(sockets: dict[str, Any]) -> None:
    assert sockets["connections"].sent == {"an-id": ["you said hello"]}


def test_rooms_and_broadcasts_in_two_environments(sockets: dict[str, Any]) -> None:
    connections, known = MemoryConnections(), sockets["known"]
    options: dict[str, Any] = {"websocket_path": "/rooms", "connections": connections}
    here = sockets["handler"] = ASGIHandler(sockets["app"], **options)
    there = ASGIHandler(sockets["app"], **options)

    here(samples.connect("a"), None)
    here(samples.connect("b"), None)
    here(samples.message("one", "a"), None)
    there(samples.message("two", "b"), None)
    assert connections.sent == {"a": ["one", "two"], "b": ["one", "two"]}
    assert known["a"] == (samples.WEBSOCKET_ENDPOINT, "7")

    connections.gone.add("b")
    event = samples.http("/announcements", "POST")
    event["rawQueryString"] = "text=three"
    assert here(event, None)["statusCode"] == 200
    assert connections.sent["a"] == ["one", "two", "three"]
    assert list(known) == ["a"]

    there(samples.disconnect("a"), None)
    assert known == {}
    there.stop_environment()
