"""One suite for every framework, through every HTTP source, and under uvicorn, which judges it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from tests.frameworks.apps.shop import LOGO, PIECES, OutOfStock, journal
from tests.frameworks.doors import DOORS
from tests.frameworks.environments import Environment, Lambda, Uvicorn, django_project, load
from tests.frameworks.exchanges import RecordingExchange
from warmstart.events.http import Headers, HTTPResponse

FRAMEWORKS = ["django", "starlette", "fastapi", "litestar", "quart", "blacksheep"]
STREAMING_DOORS = [door.name for door in DOORS if door.streams]
UVICORN = ["uvicorn", "uvicorn-prefix"]

# What a framework cannot do, under uvicorn no more than here, and why.
CANNOT = {
    ("django", "lifespan"): "its ASGI application refuses the lifespan scope",
    ("django", "raise"): "it answers 500 itself and raises nothing",
    ("litestar", "raise"): "it answers 500 itself and raises nothing",
    ("quart", "raise"): "it answers 500 itself and raises nothing",
    ("blacksheep", "raise"): "it answers 500 itself and raises nothing",
    ("quart", "latin-1"): "it encodes the headers of responses as UTF-8",
    ("quart", "work of the request"): "its tasks are the app's: they go on while the loop runs",
    ("blacksheep", "background"): "it has no work that follows a response",
}


def cannot(framework: str, what: str) -> bool:
    return (framework, what) in CANNOT


def those_that_can(what: str) -> list[str]:
    return [name for name in FRAMEWORKS if not cannot(name, what)]


def start(framework: str, place: str, **options: Any) -> Environment:
    """A new environment of the framework's app at one of the places."""
    app = load(f"{framework}_app").app
    if place in UVICORN:
        return Uvicorn(app, prefix="/prod" if place == "uvicorn-prefix" else "")
    (door,) = (door for door in DOORS if door.name == place)
    return Lambda(app, door, **options)


@pytest.fixture(autouse=True)
def _own_settings(framework: str) -> Iterator[None]:
    journal.clear()
    with django_project("django_app") if framework == "django" else nullcontext():
        yield


@pytest.fixture(scope="module")
def environments() -> Iterator[dict[tuple[str, str], Environment]]:
    """Those that the tests share."""
    running: dict[tuple[str, str], Environment] = {}
    yield running
    for environment in running.values():
        environment.stop()


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[*(door.name for door in DOORS), *UVICORN])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def environment(
    framework: str,
    place: str,
    environments: dict[tuple[str, str], Environment],
    _own_settings: None,
) -> Environment:
    """One that has served before, perhaps."""
    if (framework, place) not in environments:
        environments[framework, place] = start(framework, place)
    return environments[framework, place]


def typed(content_type: str) -> Headers:
    return [(b"content-type", content_type.encode())]


def values(response: HTTPResponse, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key == name]


def test_path_parameters_and_the_query_arrive_decoded(environment: Environment) -> None:
    response = environment.send("GET", "/items/42?tag=a&tag=b&q=caf%C3%A9+au%20lait%26%2B%25")

    assert response.status == 200
    assert json.loads(response.body) == {
        "id": 42,
        "tags": ["a", "b"] if environment.repeats else ["b"],
        "q": "café au lait&+%",
    }


def test_a_path_may_have_any_character(environment: Environment) -> None:
    response = environment.send("GET", "/greet/J%C3%BCrgen%20%F0%9F%90%8D%2B%3F%25")

    assert response.status == 200
    assert response.body.decode() == "Hello, Jürgen 🐍+?%!"


def test_json_is_posted(environment: Environment) -> None:
    body = '{"name": "Tür"}'.encode()
    response = environment.send("POST", "/items", typed("application/json"), body)

    assert response.status == 201
    assert values(response, b"content-type") == [b"application/json"]
    assert json.loads(response.body) == {"name": "Tür", "added": True}


def test_a_form_is_posted(environment: Environment) -> None:
    form = b"user=J%C3%BCrgen+K&role=a&role=b"
    response = environment.send("POST", "/login", typed("application/x-www-form-urlencoded"), form)

    assert response.status == 200
    assert json.loads(response.body) == {"user": "Jürgen K", "roles": ["a", "b"]}


COIN = bytes(range(256)) * 300
MULTIPART = b"\r\n".join(
    [
        b"--frontier",
        b'Content-Disposition: form-data; name="note"',
        b"",
        "schön".encode(),
        b"--frontier",
        'Content-Disposition: form-data; name="file"; filename="münze.bin"'.encode(),
        b"Content-Type: application/x-coin",
        b"",
        COIN,
        b"--frontier--",
        b"",
    ]
)


def test_a_binary_file_is_uploaded_whole(environment: Environment, place: str) -> None:
    body = MULTIPART
    if place == "edge-viewer":  # a viewer request's body is cut at 40 KB
        body = MULTIPART.replace(COIN, COIN[:30_000])
    response = environment.send(
        "POST", "/uploads", typed("multipart/form-data; boundary=frontier"), body
    )

    coin = COIN[:30_000] if place == "edge-viewer" else COIN
    assert response.status == 200
    assert json.loads(response.body) == {
        "filename": "münze.bin",
        "content_type": "application/x-coin",
        "size": len(coin),
        "sha256": hashlib.sha256(coin).hexdigest(),
        "note": "schön",
    }


def test_several_cookies_arrive(environment: Environment) -> None:
    response = environment.send("GET", "/cookies", [(b"cookie", b"a=1; b=two; c=x=y")])

    assert json.loads(response.body) == {"a": "1", "b": "two", "c": "x=y"}


def test_several_cookies_are_set(environment: Environment) -> None:
    response = environment.send("POST", "/session")

    assert response.status == 204
    assert response.body == b""
    cookies = values(response, b"set-cookie")
    assert [cookie.partition(b";")[0] for cookie in cookies] == [
        b"session=abc",
        b"theme=dark",
        b"seen=1",
    ]
    assert b"httponly" in cookies[0].lower()
    assert b"secure" in cookies[1].lower()


def test_a_redirect_keeps_its_location(environment: Environment) -> None:
    response = environment.send("GET", "/moved")

    assert response.status == 303
    assert values(response, b"location") == [b"/items/1?tag=new"]


def test_a_streamed_response_is_whole(environment: Environment) -> None:
    response = environment.send("GET", "/story")

    assert response.status == 200
    assert values(response, b"content-type") == [b"text/plain; charset=utf-8"]
    assert response.body.decode() == "".join(PIECES)


def test_bytes_of_every_value_are_downloaded(environment: Environment) -> None:
    response = environment.send("GET", "/logo.png")

    assert response.status == 200
    assert values(response, b"content-type") == [b"image/png"]
    assert response.body == LOGO


def test_a_head_request_gets_the_headers_alone(environment: Environment) -> None:
    response = environment.send("HEAD", "/logo.png")

    assert response.status == 200
    assert values(response, b"content-type") == [b"image/png"]
    assert response.body == b""
    if environment.keeps_length:
        assert values(response, b"content-length") == [b"%d" % len(LOGO)]


def test_a_path_without_a_route_is_not_found(environment: Environment) -> None:
    assert environment.send("GET", "/nothing/here").status == 404


def test_the_bytes_of_headers_pass_both_ways(environment: Environment, framework: str) -> None:
    response = environment.send("GET", "/name", [(b"x-name", "Jürgen".encode("latin-1"))])

    encoding = "utf-8" if cannot(framework, "latin-1") else "latin-1"
    assert values(response, b"x-name") == ["Jürgen".encode(encoding)]


def test_a_failure_is_answered_500(environment: Environment) -> None:
    assert environment.send("GET", "/fail").status == 500
    assert environment.send("GET", "/moved").status == 303, "and the environment serves on"


REQUESTS: list[tuple[Any, ...]] = [
    ("GET", "/items/42?q=caf%C3%A9"),
    ("GET", "/greet/J%C3%BCrgen"),
    ("GET", "/moved"),
    ("GET", "/story"),
    ("GET", "/logo.png"),
    ("GET", "/nothing"),
    ("GET", "/fail"),
    ("GET", "/items"),
    ("HEAD", "/logo.png"),
    ("POST", "/session"),
    ("POST", "/items", typed("application/json"), b'{"name": "door"}'),
]


@pytest.mark.parametrize("place", [door.name for door in DOORS])
def test_the_answer_is_the_one_under_uvicorn(
    framework: str, place: str, environments: dict[tuple[str, str], Environment]
) -> None:
    for where in (place, "uvicorn"):
        if (framework, where) not in environments:
            environments[framework, where] = start(framework, where)
    here, there = environments[framework, place], environments[framework, "uvicorn"]

    for request in REQUESTS:
        assert _told(here.send(*request), here) == _told(there.send(*request), here), request


def _told(response: HTTPResponse, environment: Environment) -> tuple[int, Headers, bytes]:
    """A response without what its transport adds."""
    added = {b"date", b"server", b"transfer-encoding"}
    if not environment.keeps_length:
        added.add(b"content-length")
    if not response.body:
        added.add(b"content-type")  # API Gateway names one even where there is nothing to name
    headers = [pair for pair in response.headers if pair[0] not in added]
    return response.status, sorted(headers), response.body


# Runtimes that pass an exchange.


@pytest.mark.parametrize("place", STREAMING_DOORS)
def test_pieces_leave_as_they_are_made(framework: str, environment: Lambda) -> None:
    exchange = RecordingExchange(lambda: list(journal.told), streaming=True)

    environment.exchange(exchange, "GET", "/story")

    response = exchange.streamed_response()
    assert response.status == 200
    assert values(response, b"content-type") == [b"text/plain; charset=utf-8"]
    assert response.body.decode() == "".join(PIECES)
    assert exchange.observed[0] in ([], PIECES[:1]), "the first left before the second was made"
    assert PIECES[:2] in exchange.observed


@pytest.mark.parametrize("place", STREAMING_DOORS)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: "".join(request[:2]))
def test_a_streaming_door_gets_the_same_answers(
    environment: Lambda, request_: tuple[Any, ...]
) -> None:
    exchange = RecordingExchange(streaming=True)

    environment.exchange(exchange, *request_)

    streamed, whole = exchange.streamed_response(), environment.send(*request_)
    assert _told(streamed, environment) == _told(whole, environment)


@pytest.mark.parametrize("framework", those_that_can("background"))
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("place", STREAMING_DOORS)
def test_background_work_runs_after_the_answer(
    framework: str, environment: Lambda, streaming: bool
) -> None:
    exchange = RecordingExchange(lambda: list(journal.delivered), streaming=streaming)

    environment.exchange(exchange, "POST", "/postcards", typed("text/plain"), b"hello")

    assert exchange.finished
    if not cannot(framework, "work of the request"):  # Quart's begins beside the response
        assert set(map(tuple, exchange.observed)) == {()}, "nothing was delivered before"
        assert journal.delivered == ["hello"]


@pytest.mark.parametrize("framework", those_that_can("background"))
@pytest.mark.parametrize("place", [door.name for door in DOORS])
def test_background_work_is_done_when_the_answer_is_returned(
    framework: str, environment: Lambda
) -> None:
    response = environment.send("POST", "/postcards", typed("text/plain"), b"hello")

    assert (response.status, response.body) == (202, b"on its way")
    if not cannot(framework, "work of the request"):
        assert journal.delivered == ["hello"]


@pytest.mark.parametrize("framework", those_that_can("background"))
@pytest.mark.parametrize("place", ["function-url", "uvicorn"])
def test_background_work_is_done_when_the_environment_has_stopped(
    framework: str, place: str
) -> None:
    environment = start(framework, place)
    environment.send("POST", "/postcards", typed("text/plain"), b"hello")

    environment.stop()

    assert journal.delivered == ["hello"]


# One environment from its start to its end.


@pytest.mark.parametrize("framework", those_that_can("lifespan"))
def test_the_app_lives_as_long_as_its_environment(framework: str, place: str) -> None:
    environment = start(framework, place)

    visits = [json.loads(environment.send("GET", "/visit").body)["visit"] for _ in range(3)]

    assert visits == [1, 2, 3], "what was opened at the start serves every request"
    assert journal.lives == ["open"]
    environment.stop()
    assert journal.lives == ["open", "closed"]


@pytest.mark.parametrize("framework", [name for name, what in CANNOT if what == "lifespan"])
@pytest.mark.parametrize("place", ["function-url", "uvicorn"])
def test_an_app_that_refuses_the_lifespan_serves_all_the_same(framework: str, place: str) -> None:
    with pytest.raises(ValueError, match="lifespan"):
        asyncio.run(load(f"{framework}_app").app({"type": "lifespan"}, None, None))
    environment = start(framework, place)

    assert environment.send("GET", "/moved").status == 303
    environment.stop()


@pytest.mark.parametrize("framework", those_that_can("raise"))
@pytest.mark.parametrize("place", [door.name for door in DOORS])
def test_a_failure_fails_the_invocation_if_asked(framework: str, place: str) -> None:
    environment = start(framework, place, on_error="raise")

    with pytest.raises(OutOfStock):
        environment.send("GET", "/fail")
    assert environment.send("GET", "/moved").status == 303, "and the environment serves on"
    environment.stop()


@pytest.mark.parametrize("framework", those_that_can("raise"))
@pytest.mark.parametrize("streaming", [False, True])
def test_a_failure_reaches_a_runtime_before_any_answer(framework: str, streaming: bool) -> None:
    environment = start(framework, "function-url", on_error="raise")
    exchange = RecordingExchange(streaming=streaming)
    assert isinstance(environment, Lambda)

    with pytest.raises(OutOfStock):
        environment.exchange(exchange, "GET", "/fail")
    assert (exchange.results, exchange.pieces) == ([], [])
    environment.stop()


@pytest.mark.parametrize("framework", [name for name, what in CANNOT if what == "raise"])
@pytest.mark.parametrize("place", ["function-url", "uvicorn"])
def test_a_framework_that_raises_nothing_fails_no_invocation(
    framework: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    environment = start(framework, place, on_error="raise")

    with caplog.at_level(logging.ERROR):
        assert environment.send("GET", "/fail").status == 500
    assert "Exception in ASGI application" not in caplog.text, "uvicorn saw none either"
    environment.stop()
