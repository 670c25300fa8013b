"""What holds at every front door, whatever the app."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.adapter.conftest import MakeHandler
from tests.frameworks.doors import DOORS, Door, http_request
from tests.frameworks.exchanges import RecordingExchange
from warmstart.adapter.asgi import Message, Receive, Scope, Send
from warmstart.events.http import Headers, HTTPResponse

STREAMING = [door for door in DOORS if door.streams]


@pytest.fixture(params=DOORS, ids=lambda door: door.name)
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.param
    return found


class App:
    """Answers with `messages`, and keeps the scope."""

    def __init__(self, *messages: Message) -> None:
        self.scope: Scope = {}
        self._messages = messages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        for message in self._messages:
            await send(message)


def head(status: int = 200, headers: Headers | None = None) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers or []}


def body(data: bytes = b"") -> Message:
    return {"type": "http.response.body", "body": data}


class Asked:
    """An app behind a door, and both ways of asking it."""

    def __init__(self, make_handler: MakeHandler, door: Door, app: App, **options: Any) -> None:
        self._door = door
        self._handler = make_handler(app, lifespan="off", **options)

    def _event(self, method: str, headers: Headers | None) -> Any:
        request = http_request(method, self._door.prefix + "/", headers, host=self._door.host)
        return json.loads(json.dumps(self._door.build(request)))

    def whole(self, method: str = "GET", headers: Headers | None = None) -> HTTPResponse:
        return self._door.decode(self._handler(self._event(method, headers), None))

    def streamed(self, method: str = "GET", headers: Headers | None = None) -> HTTPResponse:
        exchange = RecordingExchange(streaming=True)
        self._handler.serve_invocation(self._event(method, headers), None, exchange)
        return exchange.streamed_response()

    def answers(self, method: str = "GET", headers: Headers | None = None) -> list[HTTPResponse]:
        """The answer in every way in which the door takes one."""
        ways = [self.whole, self.streamed] if self._door.streams else [self.whole]
        return [way(method, headers) for way in ways]


def values(response: HTTPResponse, name: bytes) -> list[bytes]:
    return [value for key, value in response.headers if key == name]


def test_no_extension_is_advertised_but_those_that_work(
    make_handler: MakeHandler, door: Door
) -> None:
    app = App(head(), body())
    Asked(make_handler, door, app).answers()

    assert app.scope["extensions"] == {"http.response.pathsend": {}}


@pytest.mark.parametrize("size", [0, 10, 300_000])
def test_a_file_is_sent_by_its_path(
    make_handler: MakeHandler, door: Door, tmp_path: Path, size: int
) -> None:
    if door.name == "edge-viewer":
        size = min(size, 40_000)  # all that CloudFront takes at a viewer request
    file = tmp_path / "file.bin"
    file.write_bytes(b"\x80" * size)
    app = App(head(), {"type": "http.response.pathsend", "path": str(file)})

    for response in Asked(make_handler, door, app).answers():
        assert response.body == b"\x80" * size


@pytest.mark.parametrize(
    "message",
    [
        {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]},
        {"type": "http.response.push", "path": "/style.css", "headers": []},
        {"type": "http.response.trailers", "headers": [(b"x-sum", b"1")]},
        {"type": "http.response.zerocopysend", "file": 0},
        {"type": "http.response.debug", "info": {}},
    ],
    ids=lambda message: message["type"],
)
def test_a_message_of_an_extension_that_is_not_advertised_is_an_error(
    make_handler: MakeHandler, door: Door, message: Message
) -> None:
    asked = Asked(make_handler, door, App(head(), message), on_error="raise")

    with pytest.raises(RuntimeError, match=message["type"]):
        asked.whole()


def test_excluded_headers_are_left_out(make_handler: MakeHandler, door: Door) -> None:
    headers = [(b"X-Powered-By", b"a"), (b"x-kept", b"b"), (b"x-powered-by", b"c")]
    app = App(head(200, headers), body())

    for response in Asked(make_handler, door, app, exclude_headers=["X-Powered-BY"]).answers():
        assert values(response, b"x-powered-by") == []
        assert values(response, b"x-kept") == [b"b"]


def test_cookies_stay_apart(make_handler: MakeHandler, door: Door) -> None:
    cookies = [b"a=1; Path=/", b"b=2; Expires=Wed, 25 Nov 2026 07:28:00 GMT", b"c=3"]
    app = App(head(200, [(b"Set-Cookie", cookie) for cookie in cookies]), body())

    for response in Asked(make_handler, door, app).answers():
        assert values(response, b"set-cookie") == cookies


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)]
)
def test_a_response_that_has_no_body_gets_none(
    make_handler: MakeHandler, door: Door, method: str, status: int
) -> None:
    app = App(head(status, [(b"x-kept", b"b")]), body(b"not to be sent"))

    for response in Asked(make_handler, door, app).answers(method):
        assert (response.status, response.body) == (status, b"")
        assert values(response, b"x-kept") == [b"b"]


@pytest.mark.parametrize("said", [b"10.0.0.1", b"10.0.0.1, 127.0.0.1", b"unknown, [::1]:80"])
def test_the_client_is_whom_the_front_door_saw(
    make_handler: MakeHandler, door: Door, said: bytes
) -> None:
    app = App(head(), body())
    Asked(make_handler, door, app).answers(headers=[(b"x-forwarded-for", said)])

    assert app.scope["client"][0] == "203.0.113.9"


def test_the_bytes_of_headers_are_kept_both_ways(make_handler: MakeHandler, door: Door) -> None:
    app = App(head(200, [(b"x-name", b"J\xfcrgen")]), body())

    for response in Asked(make_handler, door, app).answers(headers=[(b"x-name", b"J\xfcrgen")]):
        assert values(response, b"x-name") == [b"J\xfcrgen"]
    assert (b"x-name", b"J\xfcrgen") in app.scope["headers"]


@pytest.mark.parametrize("door", STREAMING, ids=lambda door: door.name)
def test_a_door_that_takes_streams_takes_whole_answers_too(
    make_handler: MakeHandler, door: Door
) -> None:
    whole, streamed = Asked(make_handler, door, App(head(201), body(b"hello"))).answers()

    assert (whole.status, whole.body) == (streamed.status, streamed.body) == (201, b"hello")
