"""Responses that are too large for somebody on their way: a clear answer, at every front door."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.adapter import samples
from tests.adapter.conftest import MakeHandler
from tests.frameworks.doors import DOORS, Door, http_request
from tests.runtime.clients import AWSLAMBDARIC
from tests.runtime.fake_api import FakeRuntimeAPI
from warmstart.adapter.asgi import ASGIApp, Receive, Scope, Send
from warmstart.events.http import HTTPResponse

MB = 1024 * 1024
LAMBDA = 6 * MB + 100  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


ALL = {door.name: door for door in DOORS}

# What each front door takes at most: the size, how it is measured, and what the answer advises.
LIMITS = dict.fromkeys(ALL, (LAMBDA, "as JSON", "stream it")) | {
    "alb": (MB, "as JSON", "Function URL"),
    "alb-multi": (MB, "as JSON", "Function URL"),
    "edge-viewer": (40 * 1024, "in bytes", "origin request"),
    "edge-origin": (MB, "in bytes", "Function URL"),
}


def app_of(content_type: bytes, body: bytes) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def size_as_json(result: Any) -> int:
    return len(json.dumps(result, ensure_ascii=False).encode())


def size_in_bytes(response: HTTPResponse) -> int:
    return len(response.body) + sum(len(name) + len(value) for name, value in response.headers)


Serve = Callable[[bytes, bytes], tuple[Any, HTTPResponse]]


@pytest.fixture(params=ALL)
def door(request: pytest.FixtureRequest) -> Door:
    return ALL[request.param]


@pytest.fixture
def serve(make_handler: MakeHandler, door: Door) -> Serve:
    """Have a body served: what the function returns, and what the front door makes of it."""

    def serve(content_type: bytes, body: bytes) -> tuple[Any, HTTPResponse]:
        handler = make_handler(app_of(content_type, body), lifespan="off")
        request = http_request("GET", door.prefix + "/", host=door.host)
        result = handler(json.loads(json.dumps(door.build(request))), None)
        return result, door.decode(result)

    return serve


@pytest.mark.parametrize("content_type", [b"text/plain", b"image/png"])
def test_what_fits_goes_through(serve: Serve, door: Door, content_type: bytes) -> None:
    limit, measured, _ = LIMITS[door.name]
    body = b"x" * (limit * 5 // 7 if measured == "as JSON" else limit - 100)  # base64 adds a third
    result, response = serve(content_type, body)

    assert response.status == 200
    assert response.body == body
    assert size_as_json(result) <= limit if measured == "as JSON" else size_in_bytes(response)


@pytest.mark.parametrize(("content_type", "factor"), [(b"text/plain", 1.0), (b"image/png", 0.75)])
def test_what_does_not_fit_is_answered_with_what_to_do(
    serve: Serve,
    door: Door,
    content_type: bytes,
    factor: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limit, measured, advice = LIMITS[door.name]
    body = b"x" * int(limit * (factor if measured == "as JSON" else 1))
    with caplog.at_level(logging.ERROR, "warmstart"):
        result, response = serve(content_type, body)

    assert response.status == 500
    assert response.body.startswith(b"The response is too large: ")
    assert advice in response.body.decode()
    assert response.body.decode().strip() in caplog.messages
    assert size_as_json(result) < 2000


@pytest.mark.parametrize("door", [ALL["alb"]])
def test_what_json_makes_longer_counts_as_it_is_sent(serve: Serve, door: Door) -> None:
    assert serve(b"text/plain", b"x" * (MB // 2))[1].status == 200
    assert serve(b"text/plain", b'"' * (MB // 2))[1].status == 500


AWSS_IMAGE = "AWS_Lambda_python{}.{}".format(*sys.version_info)


@pytest.mark.parametrize("image", [AWSS_IMAGE, "own"])
def test_what_awss_client_escapes_counts_as_it_is_sent(tmp_path: Path, image: str) -> None:
    """Two bytes of UTF-8 are six of JSON where it escapes: 5 MB here, or 15."""
    event = json.dumps(samples.function_url("/long")).encode()
    with FakeRuntimeAPI() as api:
        with AWSLAMBDARIC.running(api.address, "lives.handler", tmp_path, AWS_EXECUTION_ENV=image):
            posted = api.invoke(event).body

    assert len(posted) <= LAMBDA
    escapes = image == "own" or sys.version_info < (3, 12)
    assert json.loads(posted)["statusCode"] == (500 if escapes else 200)
