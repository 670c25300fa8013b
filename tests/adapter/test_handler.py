"""`ASGIHandler` over HTTP events: answers whole and streamed, failures, deadlines, options."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.adapter.exchanges import Context, PostedAnswers
from warmstart.adapter import ASGIHandler
from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send
from warmstart.adapter.lifespan import LifespanFailed
from warmstart.adapter.returned import ReturnedAnswer
from warmstart.events import http_v2, prelude
from warmstart.events.http import HTTPRequest, HTTPResponse


@pytest.fixture(autouse=True)
def _environments_end(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stop the environment of every handler that a test made, as a runtime would."""
    made: list[ASGIHandler] = []
    init = ASGIHandler.__init__

    def noted(self: ASGIHandler, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(ASGIHandler, "__init__", noted)
    yield
    for handler in made:
        handler.stop_environment()


START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]}
PIECE: Message = {"type": "http.response.body", "body": b"one", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"two"}


class StreamedAnswer(PostedAnswers):
    """An exchange that streams; its reader leaves after `leaves_after` pieces."""

    streaming = True

    def __init__(self, leaves_after: int = 1000) -> None:
        super().__init__()
        self.content_type = ""
        self.pieces: list[bytes] = []
        self.finished = False
        self.error: BaseException | None = None
        self._leaves_after = leaves_after

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        self.content_type = content_type
        self.pieces.append(first)
        self.finished = final

    async def write(self, data: bytes) -> None:
        if len(self.pieces) >= self._leaves_after:
            raise BrokenPipeError
        self.pieces.append(data)

    async def finish(self) -> None:
        self.finished = True

    async def fail(self, error: BaseException) -> None:
        self.error = error

    async def wait_disconnect(self) -> None:
        await asyncio.get_running_loop().create_future()

    @property
    def response(self) -> HTTPResponse:
        assert self.content_type == prelude.CONTENT_TYPE
        response = prelude.PreludeParser().feed(b"".join(self.pieces))
        assert response is not None
        return response


def event(method: str = "GET", path: str = "/", body: bytes = b"") -> dict[str, Any]:
    return http_v2.build_event(
        HTTPRequest(method, path, path.encode(), headers=[(b"host", b"x.test")], body=body),
        request_id="id",
        time=0,
        domain_name="abc.lambda-url.eu-west-1.on.aws",
    )


def app_of(*steps: Any, after: Any = None) -> ASGIApp:
    """An app without lifespan that sends messages and raises exceptions in turn."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await receive()
        for step in steps:
            if not isinstance(step, dict):
                raise step
            await send(step)
        if after is not None:
            await after()

    return app


def answer(handler: ASGIHandler, what: Any = None, context: Any = None) -> HTTPResponse:
    return http_v2.decode_response(handler(what or event(), context or Context()))


def stream(
    handler: ASGIHandler, *, leaves_after: int = 1000, method: str = "GET"
) -> StreamedAnswer:
    exchange = StreamedAnswer(leaves_after)
    handler.serve_invocation(event(method), Context(), exchange)
    return exchange


def test_the_scope_is_asgis_and_carries_the_event_and_the_context() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await send(START)
        await send(END)

    sent, context = event("POST", "/p"), Context()
    ASGIHandler(app, lifespan="off")(sent, context)

    (scope,) = seen
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    assert (scope["type"], scope["method"], scope["path"]) == ("http", "POST", "/p")
    assert scope["raw_path"] == b"/p"
    assert scope["aws.event"] is sent
    assert scope["aws.context"] is context
    assert scope["state"] == {}


def test_a_whole_answer_is_returned() -> None:
    response = answer(ASGIHandler(app_of(START, PIECE, END)))

    assert (response.status, response.body) == (200, b"onetwo")
    assert (b"x-a", b"1") in response.headers


def test_a_streamed_answer_leaves_piece_by_piece() -> None:
    exchange = stream(ASGIHandler(app_of(START, PIECE, END)))

    assert exchange.pieces[1:] == [b"two"]
    assert exchange.finished
    assert exchange.response == HTTPResponse(200, [(b"x-a", b"1")], b"onetwo")


def test_a_streamed_answer_of_one_piece_is_one_write() -> None:
    exchange = stream(ASGIHandler(app_of(START, END)))

    assert len(exchange.pieces) == 1
    assert exchange.finished


def test_an_empty_last_piece_only_ends_the_stream() -> None:
    exchange = stream(ASGIHandler(app_of(START, PIECE, {"type": "http.response.body"})))

    assert exchange.response.body == b"one"
    assert exchange.finished


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("streams", [False, True])
def test_a_response_that_has_no_body_gets_none(method: str, status: int, streams: bool) -> None:
    handler = ASGIHandler(app_of({**START, "status": status}, PIECE, END))
    if streams:
        response = stream(handler, method=method).response
    else:
        response = answer(handler, event(method))

    assert (response.status, response.body) == (status, b"")


def test_a_malformed_event_is_a_bad_request_that_names_the_field() -> None:
    broken = event()
    broken["headers"] = "none"

    response = answer(ASGIHandler(app_of(START, END)), broken)

    assert response.status == 400
    assert b"headers" in response.body


@pytest.mark.parametrize(
    "app",
    [app_of(LookupError("mine")), app_of(START, LookupError("mine")), app_of(), app_of(START)],
)
def test_a_failure_before_anything_was_sent_is_500(
    app: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "warmstart"):
        response = answer(ASGIHandler(app))

    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert "The app failed." in caplog.text


def test_on_error_raise_fails_the_invocation() -> None:
    with pytest.raises(LookupError, match="mine"):
        ASGIHandler(app_of(LookupError("mine")), on_error="raise")(event(), Context())


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt])
def test_an_exit_is_never_swallowed(ending: type[BaseException]) -> None:
    with pytest.raises(ending):
        ASGIHandler(app_of(ending))(event(), Context())


def test_an_app_that_cancels_itself_has_failed() -> None:
    assert answer(ASGIHandler(app_of(asyncio.CancelledError))).status == 500


def test_a_failure_in_the_middle_of_a_stream_goes_into_its_end() -> None:
    exchange = stream(ASGIHandler(app_of(START, PIECE, LookupError("mine"))))

    assert isinstance(exchange.error, LookupError)
    assert not exchange.finished


def test_a_failure_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "warmstart"):
        response = answer(
            ASGIHandler(app_of(START, END, LookupError("afterwards")), on_error="raise")
        )

    assert response.status == 200
    assert "after its response failed" in caplog.text


def test_a_reader_that_leaves_ends_the_app_quietly() -> None:
    exchange = stream(ASGIHandler(app_of(START, PIECE, PIECE, PIECE)), leaves_after=2)

    assert len(exchange.pieces) == 2
    assert exchange.error is None


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_before_the_deadline_the_app_is_cancelled_and_504_answered() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _forever()

    handler = ASGIHandler(app, lifespan="off")

    assert answer(handler, context=Context(remaining=260)).status == 504


def test_work_after_the_answer_ends_at_the_deadline_and_the_answer_stands() -> None:
    handler = ASGIHandler(app_of(START, END, after=_forever))

    assert answer(handler, context=Context(remaining=260)).status == 200


def test_a_startup_that_does_not_end_in_time_fails_the_invocation() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _forever()

    with pytest.raises(LifespanFailed, match="before the function's time-out"):
        ASGIHandler(app)(event(), Context(remaining=260))


def test_without_a_margin_or_a_deadline_nothing_is_guarded() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.01)
        await send(START)
        await send(END)

    assert answer(ASGIHandler(app, lifespan="off", deadline_margin=None)).status == 200
    assert answer(ASGIHandler(app, lifespan="off"), context=object()).status == 200


class Lived:
    """An app with a lifespan that it counts."""

    def __init__(self) -> None:
        self.life: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                self.life.append(phase)
                scope["state"]["pool"] = "open"
                await send({"type": f"lifespan.{phase}.complete"})
            return
        await send({**START, "headers": [(b"x-pool", scope["state"]["pool"].encode())]})
        await send(END)


def test_the_lifespan_runs_once_per_environment() -> None:
    app = Lived()
    handler = ASGIHandler(app)
    handler.start_environment()
    for _ in range(3):
        assert (b"x-pool", b"open") in answer(handler).headers
    assert app.life == ["startup"]

    handler.stop_environment()
    handler.stop_environment()

    assert app.life == ["startup", "shutdown"]


def test_the_lifespan_runs_before_the_first_request_of_a_runtime_that_says_nothing() -> None:
    app = Lived()
    handler = ASGIHandler(app)
    answer(handler)
    answer(handler)

    assert app.life == ["startup"]


def test_the_lifespan_may_run_per_invocation() -> None:
    app = Lived()
    handler = ASGIHandler(app, lifespan_per="invocation")
    handler.start_environment()
    answer(handler)
    answer(handler)

    assert app.life == ["startup", "shutdown"] * 2


def test_many_at_a_time_on_a_running_loop() -> None:
    app = Lived()

    async def live() -> list[Any]:
        handler = ASGIHandler(app)
        await handler.start()
        exchanges = [PostedAnswers() for _ in range(5)]
        await asyncio.gather(*(handler.serve(event(), Context(), e) for e in exchanges))
        await handler.stop()
        await handler.stop()
        return [exchange.result for exchange in exchanges]

    assert [result["statusCode"] for result in asyncio.run(live())] == [200] * 5
    assert app.life == ["startup", "shutdown"]


def test_a_task_that_its_runtime_cancels_obeys() -> None:
    async def live() -> None:
        handler = ASGIHandler(app_of(START, after=_forever), lifespan="off", deadline_margin=None)
        serving = asyncio.create_task(handler.serve(event(), Context(), PostedAnswers()))
        await asyncio.sleep(0.01)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(live())


def test_a_task_that_its_runtime_cancels_in_the_startup_obeys() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _forever()

    async def live() -> None:
        serving = asyncio.create_task(ASGIHandler(app).serve(event(), Context(), PostedAnswers()))
        await asyncio.sleep(0.01)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(live())


def test_headers_can_be_left_out() -> None:
    handler = ASGIHandler(app_of(START, END), exclude_headers=["X-A"])

    assert not any(name == b"x-a" for name, _ in answer(handler).headers)


def test_what_travels_as_text_can_be_chosen() -> None:
    handler = ASGIHandler(app_of(START, END), is_text=lambda response: False)

    assert handler(event(), Context())["isBase64Encoded"] is True


def test_the_base_path_becomes_the_root_path() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "headers": [(b"x-root", scope["root_path"].encode())]})
        await send(END)

    handler = ASGIHandler(app, lifespan="off", base_path="/api")

    assert (b"x-root", b"/api") in answer(handler, event(path="/api/items")).headers
    assert (b"x-root", b"") in answer(handler, event(path="/apis")).headers


def test_a_response_over_the_limit_is_a_clear_error_of_a_runtime_that_posts() -> None:
    exchange = PostedAnswers(limit=500)
    big = {"type": "http.response.body", "body": b"x" * 1000}
    ASGIHandler(app_of(START, big)).serve_invocation(event(), Context(), exchange)

    assert exchange.result["statusCode"] == 500
    assert "1000 bytes" in exchange.result["body"]


@pytest.mark.parametrize(
    ("character", "count"),
    [
        ("x", 6_200_000),
        ("x", 6_400_000),
        ('"', 3_100_000),
        ('"', 3_200_000),
        ("\0", 1_040_000),
        ("\0", 1_060_000),
        ("ä", 1_040_000),
    ],
)
@pytest.mark.parametrize("with_orjson", [True, False])
def test_a_response_over_the_limit_is_a_clear_error_of_a_runtime_that_returns(
    character: str, count: int, with_orjson: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if with_orjson:
        pytest.importorskip("orjson")
    else:
        monkeypatch.setitem(sys.modules, "orjson", None)
    text = character * count
    headers = [(b"content-type", b"text/plain")]
    big = {"type": "http.response.body", "body": text.encode()}
    response = answer(ASGIHandler(app_of({**START, "headers": headers}, big)))

    assert response.status == (200 if len(json.dumps(text)) < 6_291_000 else 500)
    assert len(json.dumps(response.body.decode())) < 6_291_556


@pytest.mark.parametrize(
    "call",
    [
        lambda answer: answer.start_stream("text/plain", b""),
        lambda answer: answer.write(b""),
        lambda answer: answer.finish(),
        lambda answer: answer.fail(LookupError()),
        lambda answer: answer.wait_disconnect(),
    ],
)
def test_a_runtime_that_takes_returned_answers_takes_no_streams(call: Any) -> None:
    with pytest.raises(RuntimeError, match="whole answers only"):
        asyncio.run(call(ReturnedAnswer()))


@pytest.mark.parametrize(
    "options",
    [{"lifespan": "maybe"}, {"lifespan_per": "day"}, {"on_error": "ignore"}],
)
def test_an_unknown_choice_is_refused_with_the_known_ones(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        ASGIHandler(app_of(), **options)


def test_what_is_no_app_is_refused() -> None:
    with pytest.raises(TypeError, match="wants an ASGI application"):
        ASGIHandler(None)  # type: ignore[arg-type]
