"""WSGI apps through the handler: Flask, classic Django, and PEP 3333 to the letter."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.validate import validator

import flask
import pytest

import warmstart
from tests.adapter import samples
from tests.adapter.exchanges import Context, PostedAnswers
from tests.events import golden
from warmstart.adapter.wsgi import A2WSGIMissing, WSGIHandler

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Event = dict[str, Any]
Make = Callable[..., WSGIHandler]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes handlers whose environments end with the test."""
    made: list[WSGIHandler] = []

    def make_handler(app: WSGIApplication, **options: Any) -> WSGIHandler:
        made.append(WSGIHandler(app, **options))
        return made[-1]

    yield make_handler
    for handler in made:
        handler.stop_environment()


class Streamed(PostedAnswers):
    """An exchange that takes pieces, and whose reader leaves after `until` of them."""

    streaming = True

    def __init__(self, until: int | None = None) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.end: str | BaseException = ""
        self._until = until
        self._gone = asyncio.Event()

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        self.pieces.append(first)
        if final:
            self.end = "finished"

    async def write(self, data: bytes) -> None:
        if self._until is not None and len(self.pieces) >= self._until:
            raise BrokenPipeError
        self.pieces.append(data)

    async def finish(self) -> None:
        self.end = "finished"

    async def fail(self, error: BaseException) -> None:
        self.end = error

    async def wait_disconnect(self) -> None:
        await self._gone.wait()


def text(body: Any) -> str:
    return base64.b64decode(body["body"]).decode() if body["isBase64Encoded"] else body["body"]


# Flask


def shop() -> flask.Flask:
    app = flask.Flask(__name__)

    @app.route("/<path:path>", methods=["GET", "POST"])
    def describe(path: str) -> flask.Response:
        request = flask.request
        response = flask.jsonify(
            path=path,
            url=request.url,
            link=flask.url_for("upload"),
            outside=flask.url_for("upload", _external=True),
            script_root=request.script_root,
            query=request.args.to_dict(flat=False),
            cookies=request.cookies,
            client=request.remote_addr,
            secure=request.is_secure,
            body=request.get_data(as_text=True),
            event=request.environ["aws.event"]["requestContext"]["requestId"],
        )
        response.set_cookie("one", "1")
        response.set_cookie("two", "2")
        return response

    @app.post("/upload")
    def upload() -> dict[str, Any]:
        file = flask.request.files["file"]
        return {
            "file": [file.filename, len(file.read())],
            "form": flask.request.form,
        }

    @app.get("/old")
    def old() -> Any:
        return flask.redirect(flask.url_for("describe", path="new"))

    @app.get("/stream")
    def stream() -> flask.Response:
        return flask.Response((f"{number}\n" for number in range(3)), mimetype="text/plain")

    @app.get("/fail")
    def fail() -> str:
        raise ValueError("no")

    @app.get("/thread")
    def thread() -> str:
        return str(threading.get_ident())

    return app


def test_flask_sees_the_request_of_a_function_url(make: Make) -> None:
    answer = make(shop())(golden.function_url(), None)

    domain = "7z5qxazz4jo7fp5jbbnue4xhxi0arzqq.lambda-url.eu-west-1.on.aws"
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "path": "café/a/b",
        "url": f"https://{domain}/café/a/b?tag=a&tag=b%20c",
        "link": "/upload",
        "outside": f"https://{domain}/upload",
        "script_root": "",
        "query": {"tag": ["a", "b c"]},
        "cookies": {"session": "1", "theme": "dark"},
        "client": "203.0.113.75",
        "secure": True,
        "body": '{"name":"Ada"}',
        "event": "84545120-9bda-41af-9b45-6bd9fb4503a6",
    }
    assert answer["cookies"] == ["one=1; Path=/", "two=2; Path=/"]


def test_flask_makes_its_links_behind_a_stage(make: Make) -> None:
    event = golden.rest_api()

    seen = json.loads(make(shop())(event, None)["body"])

    assert seen["script_root"] == "/prod"
    assert seen["link"] == "/prod/upload"
    assert seen["outside"] == "https://abc123.execute-api.eu-west-1.amazonaws.com/prod/upload"
    assert seen["path"] == "café/a/b/"


def test_flask_makes_its_links_behind_a_base_path(make: Make) -> None:
    answer = make(shop(), base_path="/v1")(samples.function_url("/v1/old"), None)

    assert answer["statusCode"] == 302
    assert answer["headers"]["location"] == "/v1/new"


@pytest.mark.parametrize("size", [3, 1_000_000])
def test_flask_takes_an_upload(make: Make, size: int) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        + bytes(size)
        + b'\r\n--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n--x--\r\n'
    )
    event = samples.http("/upload", "POST")
    event["headers"]["content-type"] = "multipart/form-data; boundary=x"
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}

    answer = make(shop())(event, None)

    assert json.loads(answer["body"]) == {"file": ["a.bin", size], "form": {"name": "Ada"}}


def test_flasks_head_has_the_length_and_no_body(make: Make) -> None:
    answer = make(shop())(samples.http("/stream", "HEAD"), None)

    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_flasks_stream_is_whole_where_answers_are(make: Make) -> None:
    assert make(shop())(samples.http("/stream"), None)["body"] == "0\n1\n2\n"


def test_flasks_stream_goes_out_piece_by_piece(make: Make) -> None:
    exchange = Streamed()
    make(shop()).serve_invocation(samples.function_url("/stream"), None, exchange)

    head, _, first = exchange.pieces[0].partition(b"\0" * 8)
    assert json.loads(head)["statusCode"] == 200
    assert [first, *exchange.pieces[1:]] == [b"0\n", b"1\n", b"2\n"]
    assert exchange.end == "finished"


def test_what_flask_catches_is_its_500_and_what_it_lets_through_the_handlers(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = shop()
    event = samples.http("/fail")
    assert "Internal Server Error" in make(app)(event, None)["body"]

    app.config["PROPAGATE_EXCEPTIONS"] = True
    assert make(app)(event, None)["statusCode"] == 500
    with pytest.raises(ValueError, match="no"):
        make(app, on_error="raise")(event, None)
    assert "The app failed." in caplog.messages


def test_one_thread_serves_request_after_request(make: Make) -> None:
    handler = make(shop())

    threads = {handler(samples.http("/thread"), None)["body"] for _ in range(200)}

    assert len(threads) == 1
    assert str(threading.get_ident()) not in threads


def test_events_that_are_not_http_go_to_functions_and_to_the_events_path(make: Make) -> None:
    handler = make(shop(), events_path="/inbox")

    @handler.on("sns")
    def note(event: Any, context: Any) -> str:
        return "noted"

    assert handler(samples.SNS, None) == "noted"
    with pytest.raises(KeyError, match="requestContext"):  # Flask's view, with the event
        make(raising(shop()), events_path="/inbox")(samples.S3, None)


def raising(app: flask.Flask) -> flask.Flask:
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


# Django


@pytest.fixture(scope="module")
def django() -> Iterator[Callable[[Event], Any]]:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.adapter.django_wsgi"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin
    assert program.stdout
    stdin, stdout = program.stdin, program.stdout

    def serve(event: Event) -> Any:
        stdin.write(json.dumps(event) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())

    yield serve
    stdin.close()
    assert program.wait(timeout=20) == 0
    stdout.close()


def test_django_sees_the_request_behind_a_stage(django: Callable[[Event], Any]) -> None:
    answer = django(golden.rest_api())

    seen = json.loads(answer["body"])
    seen.pop("thread")
    assert seen == {
        "method": "POST",
        "path": "/prod/café/a/b/",
        "path_info": "/café/a/b/",
        "reverse": "/prod/file/",
        "absolute": "https://abc123.execute-api.eu-west-1.amazonaws.com/prod/stream/",
        "query": {"tag": ["a", "b c"], "sum": ["1+1"]},
        "cookies": {"session": "1", "theme": "dark"},
        "body": '{"name":"Ada"}',
        "secure": True,
        "client": "203.0.113.75",
    }
    assert answer["multiValueHeaders"]["set-cookie"] == ["one=1; Path=/", "two=2; Path=/"]


def test_django_reverses_behind_a_base_path(django: Callable[[Event], Any]) -> None:
    seen = json.loads(django(samples.function_url("/v1/things"))["body"])

    assert (seen["path"], seen["path_info"]) == ("/v1/things", "/things")
    assert seen["reverse"] == "/v1/file/"


def test_django_takes_an_upload_from_an_api_that_keeps_its_length(
    django: Callable[[Event], Any],
) -> None:
    event = golden.rest_api()
    event["path"] = "/upload/"
    event["multiValueHeaders"]["Content-Type"] = ["multipart/form-data; boundary=x"]
    event["body"] = (
        '--x\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nhello\r\n'
        '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n--x--\r\n'
    )

    assert json.loads(django(event)["body"]) == {
        "file": ["a.txt", "hello"],
        "form": {"name": "Ada"},
    }


def test_django_streams_sends_files_and_fails(django: Callable[[Event], Any]) -> None:
    assert django(samples.http("/stream/"))["body"] == "abc"
    file = django(samples.http("/file/"))
    assert file["body"].startswith('"""Classic Django over WSGI')
    assert file["headers"]["content-type"] == "text/x-python"
    assert django(samples.http("/fail/"))["statusCode"] == 500


def test_django_keeps_its_thread(django: Callable[[Event], Any]) -> None:
    threads = {json.loads(django(samples.http("/t"))["body"])["thread"] for _ in range(20)}

    assert len(threads) == 1


# PEP 3333


class Seen:
    """An app that keeps its environ and answers in a line."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.environ = dict(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"seen"]


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.mark.parametrize("door", ["function_url", "http_api", "rest_api", "alb", "edge"])
def test_every_request_is_one_by_pep_3333(make: Make, seen: Seen, door: str) -> None:
    app = validator(seen)  # judges both sides
    answer = make(app, on_error="raise")(golden.ALL[door](), None)

    assert text(answer) if "isBase64Encoded" in answer else answer["body"] == "seen"


def test_the_environ_is_the_requests(make: Make, seen: Seen) -> None:
    event = golden.http_api()
    make(seen)(event, "the context")

    environ = seen.environ
    assert {name: environ[name] for name in environ if name.isupper() and "HTTP_" not in name} == {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "/prod",
        "PATH_INFO": "/café/a b".encode().decode("latin-1"),
        "QUERY_STRING": "q=1%2B1&flag",
        "CONTENT_TYPE": "application/octet-stream",
        "CONTENT_LENGTH": "3",
        "SERVER_NAME": "abc123.execute-api.eu-west-1.amazonaws.com",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": environ["SERVER_PROTOCOL"],
        "REMOTE_ADDR": "2001:db8::1",
        "REMOTE_PORT": "0",
    }
    assert environ["SERVER_PROTOCOL"].startswith("HTTP/2")
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["aws.event"] is event
    assert environ["aws.context"] == "the context"
    assert environ["asgi.scope"]["type"] == "http"
    assert environ["HTTP_COOKIE"] == "session=1; theme=dark"


def test_a_path_that_is_not_utf_8_keeps_its_bytes(make: Make, seen: Seen) -> None:
    make(seen)(samples.function_url("/caf%E9/%00%2F"), None)

    assert seen.environ["PATH_INFO"] == "/caf\xe9/\0/"


def test_a_script_name_of_the_process_changes_nothing(
    make: Make, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/elsewhere")
    make(seen)(golden.http_api(), None)

    assert seen.environ["SCRIPT_NAME"] == "/prod"


def test_the_path_of_the_mount_itself_is_empty(make: Make, seen: Seen) -> None:
    make(seen)(samples.http("/prod", stage="prod"), None)

    assert (seen.environ["SCRIPT_NAME"], seen.environ["PATH_INFO"]) == ("/prod", "")


def test_a_query_may_be_more_than_ascii(make: Make, seen: Seen) -> None:
    event = samples.http("/")
    event["rawQueryString"] = "name=Zoë"

    assert make(seen)(event, None)["statusCode"] == 200
    assert seen.environ["QUERY_STRING"] == "name=Zoë".encode().decode("latin-1")


def test_a_header_with_an_underscore_cannot_pass_for_one_with_a_hyphen(
    make: Make, seen: Seen
) -> None:
    event = samples.http("/")
    event["headers"] |= {"x_forwarded_for": "10.0.0.1", "x-forwarded-for": "192.0.2.1"}
    make(seen)(event, None)

    assert seen.environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.1"


def test_a_client_that_is_not_known_is_left_out(make: Make, seen: Seen) -> None:
    event = samples.http("/")
    del event["requestContext"]["http"]["sourceIp"]
    make(seen)(event, None)

    assert "REMOTE_ADDR" not in seen.environ


@pytest.mark.parametrize(
    ("body", "length"), [("", None), ("hello", "5"), ("", "7")], ids=["none", "told", "lied"]
)
def test_the_content_length_is_the_bodys(
    make: Make, seen: Seen, body: str, length: str | None
) -> None:
    event = samples.http("/", "POST", body=body)
    if length == "7":
        event["headers"]["content-length"] = length
    make(seen)(event, None)

    expected = {None: None, "5": "5", "7": "0"}[length]
    assert seen.environ.get("CONTENT_LENGTH") == expected


def test_the_input_can_be_read_in_every_way(make: Make) -> None:
    read: list[Any] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        file = environ["wsgi.input"]
        read.extend([file.readline(3), file.readline(), file.read(2), file.readlines()])
        read.extend([file.read(), list(file)])
        start_response("204 No Content", [])
        return []

    make(app)(samples.http("/", "POST", body="one\ntwo\nthree\nfour"), None)

    assert read == [b"one", b"\n", b"tw", [b"o\n", b"three\n", b"four"], b"", []]


def test_a_body_in_pieces_is_put_together(make: Make, seen: Seen) -> None:
    # The adapter gives a body in one message; another server's ASGI may not.
    handler = make(seen)
    messages = iter(
        [
            {"type": "http.request", "body": b"he", "more_body": True},
            {"type": "http.request", "body": b"llo"},
        ]
    )

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None: ...

    async def serve() -> None:
        from warmstart.adapter.scope import http_scope
        from warmstart.events.http import HTTPRequest

        scope = http_scope(HTTPRequest("POST", "/", b"/"), {}, None, {})
        await handler.app(scope, receive, send)

    asyncio.run(serve())

    assert seen.environ["wsgi.input"].getvalue() == b"hello"


Steps = Callable[["WSGIEnvironment", "StartResponse"], Iterable[bytes]]


def an_error_in_place(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("x-a", "1")])
    try:
        raise ValueError("no")
    except ValueError:
        start_response("503 Service Unavailable", [("x-b", "2")], sys.exc_info())
    return [b"sorry"]


def written(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    write = start_response("200 OK", [])
    write(b"one ")
    write(b"two ")
    return [b"", b"three"]


def without_reason(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("418", [])
    return [b"short and stout"]


def late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    yield b""
    start_response("200 OK", [])
    yield b"late"


def bodiless(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("x-a", "1")])
    return []


@pytest.mark.parametrize(
    ("app", "status", "headers", "body"),
    [
        (an_error_in_place, 503, {"x-b": "2"}, "sorry"),
        (written, 200, {}, "one two three"),
        (without_reason, 418, {}, "short and stout"),
        (late, 200, {}, "late"),
        (bodiless, 200, {"x-a": "1"}, ""),
    ],
)
def test_every_way_to_answer(
    make: Make, app: Steps, status: int, headers: dict[str, str], body: str
) -> None:
    answer = make(app, on_error="raise")(samples.http("/"), None)

    assert (answer["statusCode"], answer["headers"], answer["body"]) == (status, headers, body)


def twice(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    start_response("201 Created", [])
    return [b"?"]


def never(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return [b"?"]


def too_late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    yield b"begun"
    try:
        raise ValueError("in the middle")
    except ValueError:
        start_response("500 Internal Server Error", [], sys.exc_info())


@pytest.mark.parametrize(
    ("app", "error"),
    [
        (twice, "called start_response again"),
        (never, "without calling start_response"),
        (too_late, "in the middle"),
    ],
)
def test_every_way_to_answer_wrongly(make: Make, app: Steps, error: str) -> None:
    with pytest.raises((RuntimeError, ValueError), match=error):
        make(app, on_error="raise")(samples.http("/"), None)


class Closing:
    """A response of many pieces that tells when it is closed."""

    def __init__(self, pieces: int) -> None:
        self.left = pieces
        self.closed = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return b"piece"

    def close(self) -> None:
        self.closed.set()


def test_a_response_is_closed(make: Make) -> None:
    app = Closing(3)
    make(app)(samples.http("/"), None)

    assert app.closed.is_set()


def test_a_response_whose_reader_has_gone_is_closed_at_once(make: Make) -> None:
    app = Closing(100_000)
    exchange = Streamed(until=2)
    make(app).serve_invocation(samples.function_url("/"), None, exchange)

    assert app.closed.is_set()
    assert app.left > 90_000  # a few pieces more were under way


def test_a_reader_that_goes_at_the_end_is_noticed_too(make: Make) -> None:
    class GoesAtTheEnd(Streamed):
        async def finish(self) -> None:
            raise BrokenPipeError

    app = Closing(1)
    exchange = GoesAtTheEnd()
    make(app, on_error="raise").serve_invocation(samples.function_url("/"), None, exchange)

    assert (len(exchange.pieces), exchange.end) == (1, "")


# Time


class Stuck:
    """Waits in its first request until it is let go; answers the others at once."""

    def __init__(self, *, then: BaseException | None = None) -> None:
        self.let_go = threading.Event()
        self.done = threading.Event()
        self.threads: list[int] = []
        self._then = then

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.threads.append(threading.get_ident())
        if environ["PATH_INFO"] == "/stuck":
            self.let_go.wait()
            if self._then is not None:
                raise self._then
        start_response("200 OK", [])
        return _tell(self.done)


def _tell(done: threading.Event) -> Iterator[bytes]:
    try:
        for _ in range(100):
            yield b"x"
    finally:
        done.set()


def test_the_deadline_is_kept_and_the_next_request_gets_a_new_thread(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = Stuck()
    handler = make(app)

    assert handler(samples.http("/stuck"), Context(remaining=0))["statusCode"] == 504
    assert handler(samples.http("/"), None)["statusCode"] == 200
    assert len(set(app.threads)) == 2

    app.done.clear()
    app.let_go.set()
    while not app.done.is_set():  # the thread ends by itself, as soon as the loop runs
        handler(samples.http("/"), None)
    assert "The app failed after its request was cancelled." not in caplog.messages


def test_what_the_app_raises_after_the_deadline_is_logged(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = Stuck(then=ValueError("late"))
    handler = make(app)
    assert handler(samples.http("/stuck"), Context(remaining=0))["statusCode"] == 504

    app.let_go.set()
    while "The app failed after its request was cancelled." not in caplog.messages:
        handler(samples.http("/"), None)

    (record,) = [r for r in caplog.records if "cancelled" in r.message]
    assert record.exc_info
    assert str(record.exc_info[1]) == "late"


def test_an_environment_ends_while_a_thread_is_stuck() -> None:
    app = Stuck()
    handler = WSGIHandler(app)
    handler(samples.http("/stuck"), Context(remaining=0))

    handler.stop_environment()
    app.let_go.set()


def test_a_slow_reader_does_not_hold_what_was_cancelled() -> None:
    class NeverReads(Streamed):
        async def write(self, data: bytes) -> None:
            writing.set()
            await asyncio.Event().wait()

    writing = asyncio.Event()
    app = Closing(100)
    handler = WSGIHandler(app)

    async def serve() -> None:
        task = asyncio.create_task(handler.serve(samples.function_url("/"), None, NeverReads()))
        await writing.wait()
        while app.left > 95:  # noqa: ASYNC110 - some pieces are on their way already
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(app.closed.wait)

    asyncio.run(serve())

    assert app.left > 0


def test_a_bridge_that_is_cancelled_from_within_obeys(make: Make) -> None:
    class Cancelled(Streamed):
        async def write(self, data: bytes) -> None:
            raise asyncio.CancelledError

    app = Closing(3)
    exchange = Cancelled()
    make(app).serve_invocation(samples.function_url("/"), None, exchange)

    assert isinstance(exchange.end, asyncio.CancelledError)


# Many at a time


def test_as_many_requests_run_at_a_time_as_the_environment_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_MAX_CONCURRENCY", "3")
    together = threading.Barrier(3, timeout=20)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        together.wait()
        start_response("200 OK", [])
        return [b"together"]

    handler = WSGIHandler(app)
    exchanges = [PostedAnswers() for _ in range(3)]

    async def serve() -> None:
        await handler.start()
        await asyncio.gather(
            *(handler.serve(samples.http("/"), None, exchange) for exchange in exchanges)
        )
        await handler.stop()

    asyncio.run(serve())

    assert [exchange.result["body"] for exchange in exchanges] == ["together"] * 3


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_an_odd_concurrency_is_one(
    make: Make, seen: Seen, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_MAX_CONCURRENCY", value)

    assert make(seen)(samples.http("/"), None)["statusCode"] == 200


# What it is made of


def test_it_is_a_public_name() -> None:
    assert warmstart.WSGIHandler is WSGIHandler


def test_without_a2wsgi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "a2wsgi", None)

    with pytest.raises(A2WSGIMissing, match=r"pip install 'warmstart\[wsgi\]'"):
        WSGIHandler(shop())


def test_what_cannot_be_called_is_no_app() -> None:
    with pytest.raises(TypeError, match="WSGI application, got 'app'"):
        WSGIHandler("app")  # type: ignore[arg-type]


@pytest.mark.parametrize("lifespan", ["auto", "on", "off"])
def test_lifespan_makes_no_difference(make: Make, seen: Seen, lifespan: str) -> None:
    handler = make(seen, lifespan=lifespan)
    handler.start_environment()

    assert handler(samples.http("/"), None)["body"] == "seen"


def test_a_websocket_is_refused(make: Make, seen: Seen, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    answer = make(seen)(golden.websocket_connect(), None)

    assert answer["statusCode"] == 403
    assert seen.environ == {}
