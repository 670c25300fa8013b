"""The examples, as a newcomer would try them, behind the whole chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chain.serving import chain, request
from warmstart.gateways.function_url import InvokeMode

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["fastapi_app", "starlette_app", "django_app"])
def test_an_example_serves_its_page_its_data_its_echo_its_stream_and_its_work(name: str) -> None:
    mode = InvokeMode.RESPONSE_STREAM
    with chain(f"examples.{name}:app", mode=mode, task_root=ROOT, timeout=20.0) as running:
        page = request(running.port, "GET", "/")
        assert page.status == 200
        assert b"<!doctype html>" in page.body
        assert b"you" in request(running.port, "GET", "/hello?name=you").body
        headers = [("content-type", "application/octet-stream")]
        assert request(running.port, "POST", "/echo", headers, b"\x00\xff").body == b"\x00\xff"
        assert request(running.port, "GET", "/countdown").body.endswith(b"lift-off\n")


def test_the_plain_handler_answers_the_same_way() -> None:
    with chain("examples.plain_handler:handler", task_root=ROOT) as running:
        assert request(running.port, "GET", "/hello?name=you").status == 200
