"""Events POSTed to a path of the app, which nobody outside may call."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from tests.adapter import samples
from tests.adapter.conftest import MakeHandler
from tests.adapter.exchanges import Context, PostedAnswers
from warmstart.adapter.asgi import ASGIApp, Receive, Scope, Send
from warmstart.adapter.calls import EventCancelled
from warmstart.adapter.events_path import EventRefused
from warmstart.adapter.handler import ASGIHandler
from warmstart.adapter.results import ResultTooLarge
from warmstart.adapter.serving import IncompleteResponse


class Answering:
    """An app that notes its requests and answers each with the same response."""

    def __init__(self, response: Response) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "no lifespan here"
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        await self._response(scope, receive, send)


def test_an_event_comes_to_the_app_as_a_post_of_its_json(make_handler: MakeHandler) -> None:
    app = Answering(JSONResponse({"indexed": 1}))
    context = Context()

    result = make_handler(app, events_path="/hooks/évents")(samples.S3, context)

    assert result == {"indexed": 1}
    (scope,), (body,) = app.scopes, app.bodies
    assert json.loads(body) == samples.S3
    assert scope["method"] == "POST"
    assert (scope["path"], scope["raw_path"]) == ("/hooks/évents", b"/hooks/%C3%A9vents")
    assert (scope["root_path"], scope["query_string"]) == ("", b"")
    assert scope["aws.event"] is samples.S3
    assert scope["aws.context"] is context
    headers = dict(scope["headers"])
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"host"] == b"localhost"
    assert headers[b"x-warmstart-source"] == b"s3"


@pytest.mark.parametrize(
    ("response", "result"),
    [
        (JSONResponse([1, None, "ü"]), [1, None, "ü"]),
        (Response(b'{"a": 1}', media_type="application/problem+json; charset=utf-8"), {"a": 1}),
        (PlainTextResponse("päper"), "päper"),
        (PlainTextResponse('{"a": 1}'), '{"a": 1}'),
        (Response(status_code=204), None),
        (Response(b"\xff", media_type="application/octet-stream"), "\ufffd"),
        (Response(b"{no", media_type="application/json"), "{no"),
    ],
)
def test_the_body_of_the_response_is_the_result(
    make_handler: MakeHandler, response: Response, result: Any
) -> None:
    assert make_handler(Answering(response), events_path="/events")(samples.S3, None) == result


def test_registered_functions_come_first(make_handler: MakeHandler) -> None:
    handler = make_handler(Answering(PlainTextResponse("app")), events_path="/events")
    handler.on("s3")(lambda event, context: "function")

    assert handler(samples.S3, None) == "function"
    assert handler(samples.SNS, None) == "app"


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (PlainTextResponse("no such bucket", 404), 404),
        (PlainTextResponse("no such bucket", 500), 500),
        (RedirectResponse("/events/"), 307),
    ],
)
@pytest.mark.parametrize("on_error", ["respond", "raise"])
def test_a_response_that_is_no_success_fails_the_invocation(
    make_handler: MakeHandler, response: Response, status: int, on_error: str
) -> None:
    handler = make_handler(Answering(response), events_path="/events", on_error=on_error)

    with pytest.raises(
        EventRefused, match=f"answered {status} to the event at /events: "
    ) as caught:
        handler(samples.S3, None)
    assert caught.value.status == status


def test_fastapi_takes_events_as_an_ordinary_route(make_handler: MakeHandler) -> None:
    app = FastAPI()

    @app.post("/events")
    async def events(event: dict[str, Any], request: Request) -> dict[str, Any]:
        if request.headers["x-warmstart-source"] != "s3":
            raise HTTPException(422, "only s3")
        return {"key": event["Records"][0]["s3"]["object"]["key"]}

    handler = make_handler(app, events_path="/events")

    assert handler(samples.S3, None) == {"key": "red+flower.jpg"}
    with pytest.raises(EventRefused, match=r"422.*only s3"):
        handler(samples.SNS, None)


def test_an_error_of_the_app_is_the_invocations_error(make_handler: MakeHandler) -> None:
    app = FastAPI()  # it answers 500, and then raises the error for its server to see

    @app.post("/events")
    def events() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        make_handler(app, events_path="/events")(samples.S3, None)


def test_the_answer_goes_out_before_the_background_work(make_handler: MakeHandler) -> None:
    exchange = PostedAnswers()
    seen: list[list[Any]] = []
    response = JSONResponse(
        "done", background=BackgroundTask(lambda: seen.append(exchange.results.copy()))
    )
    handler = make_handler(Answering(response), events_path="/events")

    handler.serve_invocation(samples.S3, Context(), exchange)

    assert seen == [["done"]]


def test_a_failure_after_the_answer_is_logged(
    make_handler: MakeHandler, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("late")

    response = JSONResponse("done", background=BackgroundTask(fail))
    handler = make_handler(Answering(response), events_path="/events")

    with caplog.at_level(logging.ERROR, "warmstart"):
        assert handler(samples.S3, None) == "done"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "late"


def start_only(status: int) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if status:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})

    return app


@pytest.mark.parametrize("app", [start_only(0), start_only(200)])
def test_an_app_that_does_not_finish_its_response_fails_the_invocation(
    make_handler: MakeHandler, app: ASGIApp
) -> None:
    with pytest.raises(IncompleteResponse, match="to the event"):
        make_handler(app, events_path="/events", lifespan="off")(samples.S3, None)


def test_a_response_in_pieces_is_put_together(make_handler: MakeHandler) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        listening = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        assert not listening.done()
        await send({"type": "http.response.body", "body": b"two"})
        assert await listening == {"type": "http.disconnect"}  # as after every response

    handler = make_handler(app, events_path="/events", lifespan="off")
    assert handler(samples.S3, None) == "one two"


def test_a_result_that_lambda_does_not_carry_fails_the_invocation(
    make_handler: MakeHandler,
) -> None:
    handler = make_handler(Answering(PlainTextResponse("too much")), events_path="/events")

    with pytest.raises(ResultTooLarge):
        handler.serve_invocation(samples.S3, Context(), PostedAnswers(limit=3))


@pytest.mark.parametrize(("remaining", "whose"), [(0, "the deadline"), (60_000, "its own doing")])
def test_a_cancelled_app_fails_the_invocation(
    make_handler: MakeHandler, remaining: int, whose: str
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if remaining:
            future.cancel()
        await future

    handler = make_handler(app, events_path="/events", lifespan="off")

    with pytest.raises(EventCancelled, match=f"cancelled by {whose}"):
        handler(samples.S3, Context(remaining))


@pytest.mark.parametrize("path", ["events", "", "/", "//", "/."])
def test_a_path_that_is_no_path_below_the_root_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must begin with '/'"):
        ASGIHandler(start_only(0), events_path=path)


# From outside.

SPELLINGS = [
    "/events",
    "/events/",
    "/events/below",
    "//events",
    "/./events",
    "/EVENTS",
    "/Events",
    "/x/../events",
    "/../events",
    "/events/../x",
    "/events;x=1",
    "/events ",
    "\\events",
    "/x\\..\\events",
    "/%65vents",
    "/%2565vents",
    "/%252565vents",
    "%2Fevents",
    "/x%2F..%2Fevents",
    "/events%2Fbelow",
    "/events%20",
    "/prod/events",  # with an app that takes /prod for its root path
    "/v1/mounted/events",
]


@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("event_of", [samples.http, samples.function_url])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_every_spelling_of_the_path_is_refused_from_outside(
    make_handler: MakeHandler,
    caplog: pytest.LogCaptureFixture,
    path: str,
    event_of: Any,
    method: str,
) -> None:
    app = Answering(PlainTextResponse("reached"))
    handler = make_handler(app, events_path="/events", lifespan="off")

    with caplog.at_level(logging.WARNING, "warmstart"):
        answer = handler(event_of(path, method), None)

    assert answer["statusCode"] == 403
    assert app.scopes == []
    assert "events_path" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/event",
        "/events2",
        "/my-events",
        "/eventsx/",
        "/hooks",
        "/e/vents",
        "/events.json",
        "/../x",
    ],
)
@pytest.mark.parametrize("event_of", [samples.http, samples.function_url])
def test_other_paths_reach_the_app(make_handler: MakeHandler, path: str, event_of: Any) -> None:
    app = Answering(PlainTextResponse("reached"))
    handler = make_handler(app, events_path="/events", lifespan="off")

    assert handler(event_of(path), None)["body"] == "reached"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/aws", 403),
        ("/hooks/x/../aws", 403),
        ("/hooks//aws/", 403),
        ("/hooks", 200),
        ("/aws", 200),
        ("/hooks/x/aws", 200),
        ("/hooks/awsome", 200),
    ],
)
def test_a_path_of_several_segments_is_guarded_as_a_whole(
    make_handler: MakeHandler, path: str, status: int
) -> None:
    handler = make_handler(
        Answering(PlainTextResponse("reached")), events_path="/hooks/aws/", lifespan="off"
    )

    assert handler(samples.http(path), None)["statusCode"] == status


def reach_events(make_handler: MakeHandler, app: ASGIApp, event: Any, **options: Any) -> int:
    """The status of a request from outside that an unguarded app answers as if it were an event."""
    assert make_handler(app, **options)(event, None)["body"] == '"event"'
    handler = make_handler(app, events_path="/events", **options)
    assert handler(samples.S3, None) == "event"
    status: int = handler(event, None)["statusCode"]
    return status


def events_app(**options: Any) -> FastAPI:
    app = FastAPI(**options)

    @app.post("/events")
    def events() -> str:
        return "event"

    return app


@pytest.mark.parametrize(
    ("event", "options"),
    [
        (samples.http("/prod/events", "POST", stage="prod"), {}),
        (samples.http("/prod/v1/events", "POST", stage="prod"), {"base_path": "/v1"}),
        (samples.http("/v1/events", "POST"), {"base_path": "/v1"}),
    ],
)
def test_stages_and_base_paths_are_no_way_round(
    make_handler: MakeHandler, event: Any, options: dict[str, Any]
) -> None:
    assert reach_events(make_handler, events_app(), event, **options) == 403


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_a_root_path_that_only_the_app_knows_is_no_way_round(make_handler: MakeHandler) -> None:
    app = events_app(root_path="/api")

    assert reach_events(make_handler, app, samples.http("/api/events", "POST")) == 403


def test_an_app_mounted_twice_is_no_way_round(make_handler: MakeHandler) -> None:
    async def events(request: Any) -> JSONResponse:
        return JSONResponse("event")

    inner = Starlette(routes=[Route("/events", events, methods=["POST"])])
    app: Any = Starlette(routes=[Mount("/v1", inner), Mount("/", inner)])

    assert reach_events(make_handler, app, samples.http("/v1/events", "POST")) == 403
