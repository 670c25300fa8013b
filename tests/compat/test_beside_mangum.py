"""Beside the real Mangum: the same event, the same app, the same scopes and the same answer.

`DIFFERENCES` is the whole list of what is otherwise, each with its reason.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compat import apps
from tests.compat.beside import MakeApp, Outcome, answering, both
from tests.compat.events import GOLDEN, Event, at, made_up
from tests.events import golden
from tests.events.strategies import repeatable, responses
from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send
from warmstart.events.http import HTTPResponse

JSON = (b"content-type", b"application/json")
COOKIES = [(b"set-cookie", b"a=1"), (b"Set-Cookie", b"b=2; HttpOnly"), (b"set-cookie", b"c=3")]
RAW_APPS: dict[str, MakeApp] = {
    "nothing": answering(),
    "text": answering(200, [(b"Content-Type", b"text/plain; charset=utf-8")], "é".encode(), b"!"),
    "json": answering(201, [JSON], b'{"a": 1}'),
    "problem+json": answering(400, [(b"content-type", b"application/problem+json")], b"{}"),
    "text that is not": answering(200, [(b"content-type", b"text/html")], b"\xff\x00"),
    "binary": answering(200, [(b"content-type", b"image/png")], b"\x89PNG"),
    "compressed": answering(200, [JSON, (b"content-encoding", b"gzip")], b"\x1f\x8b"),
    "no type": answering(200, [], b"plain"),
    "no content": answering(204),
    "not modified": answering(304, [(b"etag", b'"1"')]),
    "cookies": answering(302, [*COOKIES, (b"location", b"/")]),
    "repeats": answering(200, [(b"x-a", b"1"), (b"X-A", b"2"), (b"x-a", b"3"), JSON, JSON], b"{}"),
    "odd status": answering(799, [JSON], b"{}"),
    "utf-8 header": answering(200, [("x-é".encode(), "ü".encode())], b"x"),
}
FRAMEWORK_APPS: dict[str, MakeApp] = {
    make.__name__: make
    for make in (
        apps.starlette,
        apps.starlette_with_lifespan,
        apps.streaming,
        apps.fastapi,
        apps.failing,
    )
}
MODES = ("auto", "on", "off")


@pytest.fixture(params=GOLDEN)
def event(request: pytest.FixtureRequest) -> Event:
    return GOLDEN[request.param]()


@pytest.mark.parametrize("app", [*RAW_APPS, *FRAMEWORK_APPS])
def test_every_app_behind_every_front_door(event: Event, app: str) -> None:
    theirs, ours = both((RAW_APPS | FRAMEWORK_APPS)[app], event)

    assert theirs.raised is None
    assert ours == theirs


@pytest.mark.parametrize("lifespan", ["on", "off"])
@pytest.mark.parametrize("app", FRAMEWORK_APPS)
def test_every_framework_with_and_without_its_lifespan(app: str, lifespan: str) -> None:
    theirs, ours = both(FRAMEWORK_APPS[app], golden.http_api(), lifespan=lifespan)

    assert theirs.raised is None
    assert ours == theirs


@pytest.mark.parametrize(
    "options",
    [
        {"api_gateway_base_path": "/prod"},
        {"api_gateway_base_path": "prod"},
        {"api_gateway_base_path": "/caf%C3%A9"},
        {"api_gateway_base_path": ""},
        {"api_gateway_base_path": "/elsewhere"},
        {"text_mime_types": ["image/", "problem+json"]},
        {"text_mime_types": []},
        {"exclude_headers": ["Set-Cookie", "x-a", "CONTENT-TYPE"]},
        {"custom_handlers": []},
    ],
    ids=str,
)
@pytest.mark.parametrize("app", ["cookies", "repeats", "binary", "problem+json"])
def test_every_option_behind_every_front_door(
    event: Event, app: str, options: dict[str, Any]
) -> None:
    theirs, ours = both(RAW_APPS[app], event, **options)

    assert theirs.raised is None
    assert ours == theirs


@given(made_up(), st.sampled_from(["/", "/prod", "prod"]))
@repeatable
def test_any_request_makes_the_same_scope(event: Event, base_path: str) -> None:
    theirs, ours = both(answering(), event, api_gateway_base_path=base_path)

    assert theirs.raised is None
    assert ours == theirs


@pytest.mark.parametrize("encoded", [True, False])
def test_an_event_of_somebodys_own_may_have_bytes_for_a_body(encoded: bool) -> None:
    theirs, ours = both(answering(), at(golden.rest_api, body=b"AP+A", isBase64Encoded=encoded))

    assert theirs.received[1]["body"] == (b"\x00\xff\x80" if encoded else b"AP+A")
    assert ours == theirs


# What is not UTF-8 in a header is in the list of differences.
@given(st.sampled_from(list(GOLDEN)), responses(repeats=True))
@repeatable
def test_any_response_makes_the_same_answer(door: str, response: HTTPResponse) -> None:
    headers = [(name, value.decode("latin-1").encode("utf-8")) for name, value in response.headers]
    app = answering(response.status, headers, response.body)

    theirs, ours = both(app, GOLDEN[door](), exclude_headers=["x-tag"])

    assert theirs.raised is None
    assert ours == theirs


# What an app can do wrong


def sending(*messages: Message, then: BaseException | None = None) -> MakeApp:
    """Makes apps without a lifespan that send these and then raise, or return."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("no lifespan here")
        for message in messages:
            await send(message)
        if then is not None:
            raise then

    return lambda: app


START: Message = {"type": "http.response.start", "status": 200, "headers": [JSON]}
BODY: Message = {"type": "http.response.body", "body": b"{}"}
PIECE: Message = {**BODY, "more_body": True}

FAILING_APPS: dict[str, MakeApp] = {
    "before": sending(then=ValueError("no")),
    "with its headers sent": sending(START, then=ValueError("no")),
    "in the middle": sending(START, PIECE, then=ValueError("no")),
    "afterwards": sending(START, BODY, then=ValueError("no")),
    "exits": sending(then=SystemExit(1)),
    "is cancelled": sending(then=asyncio.CancelledError()),
    "starts twice": sending(START, START),
    "has a body first": sending(BODY),
    "goes on": sending(START, BODY, BODY),
    "is a WebSocket's": sending({"type": "websocket.accept"}),
}


@pytest.mark.parametrize("app", FAILING_APPS)
def test_an_app_that_fails_is_answered_for_alike(event: Event, app: str) -> None:
    theirs, ours = both(FAILING_APPS[app], event)

    assert theirs.raised is None
    assert ours == theirs


async def _answer(send: Send) -> None:
    await send(START)
    await send(BODY)


def living(*steps: str | BaseException) -> MakeApp:
    """Makes apps whose lifespan receives, sends a message of a type, or raises, in these steps."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await _answer(send)
            return
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            if step == "receive":
                scope["state"][(await receive())["type"]] = True
            else:
                await send({"type": step, "message": "so it is"})

    return lambda: app


def stubborn() -> ASGIApp:
    """Its lifespan goes on when `send` raises, and says the same again."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await _answer(send)
            return
        for message in ("lifespan.startup.complete", "lifespan.shutdown.complete"):
            try:
                await send({"type": message})
            except Exception:  # noqa: BLE001 - stubborn
                await receive()
                await send({"type": message})

    return app


UP = ("receive", "lifespan.startup.complete")
LIVES: dict[str, MakeApp] = {
    "whole": living(*UP, "receive", "lifespan.shutdown.complete"),
    "raises at once": living(ValueError("no")),
    "exits at once": living(SystemExit(1)),
    "raises in its startup": living("receive", ValueError("no")),
    "is cancelled in its startup": living("receive", asyncio.CancelledError()),
    "returns at once": living(),
    "returns in its startup": living("receive"),
    "returns after its startup": living(*UP),
    "fails its startup": living("receive", "lifespan.startup.failed"),
    "fails its shutdown": living(*UP, "receive", "lifespan.shutdown.failed"),
    "raises in its shutdown": living(*UP, "receive", ValueError("no")),
    "sends first": living("lifespan.startup.complete"),
    "sends what is no answer": living("receive", "http.response.start"),
    "sends it in its shutdown": living(*UP, "receive", "http.response.start"),
    "answers the other question": living(
        "receive", "lifespan.shutdown.complete", "lifespan.startup.complete", "receive"
    ),
    "answers twice": living(*UP, UP[1], "receive", "lifespan.shutdown.complete"),
    "goes on when it may not send": stubborn,
}


@pytest.mark.parametrize("lifespan", MODES)
@pytest.mark.parametrize("life", LIVES)
def test_every_life_ends_alike(life: str, lifespan: str) -> None:
    theirs, ours = both(LIVES[life], golden.http_api(), lifespan=lifespan)

    assert ours == theirs


def test_mangum_too_lets_a_failed_startup_or_shutdown_fail_the_invocation() -> None:
    raised = {
        name: theirs.raised
        for name in LIVES
        if (theirs := both(LIVES[name], golden.http_api())[0]).raised
    }

    assert raised == {
        "fails its startup": ("LifespanFailure", "Lifespan startup failure. so it is"),
        "fails its shutdown": ("LifespanFailure", "Lifespan shutdown failure. so it is"),
        "sends what is no answer": (
            "LifespanFailure",
            "Unexpected 'http.response.start' event received.",
        ),
        "sends it in its shutdown": (
            "LifespanFailure",
            "Unexpected 'http.response.start' event received.",
        ),
    }


# What differs


def status(outcome: Outcome) -> Any:
    result = outcome.result
    return result.get("statusCode", result.get("status"))


def of_scope(key: str) -> Callable[[Outcome], Any]:
    return lambda outcome: outcome.scopes[-1][key]


@dataclass
class Difference:
    reason: str
    event: Event
    theirs: Any
    """The name of the exception that Mangum raises, or what `look` finds in what it does."""
    ours: Any
    look: Callable[[Outcome], Any] = status
    app: MakeApp = field(default_factory=answering)
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.reason


def interrupted() -> MakeApp:
    return sending(then=KeyboardInterrupt())


V2, REST, ALB, EDGE = golden.http_api, golden.rest_api, golden.alb, golden.edge
CF = "Records__0__cf__request__"

DIFFERENCES = [
    # Crashes: an exception in the adapter fails the invocation, and nobody can want that.
    Difference("no headers are none", at(V2, headers=None), "AttributeError", 200),
    Difference("the same at a load balancer", at(ALB, headers=None), "AttributeError", 200),
    Difference("a header must be text", at(V2, headers__x=1), "AttributeError", 400),
    Difference("and there", at(ALB, headers__x=["1"]), "AttributeError", 400),
    Difference(
        "a client may be unknown",
        at(V2, requestContext__http__sourceIp=...),
        "KeyError",
        (None, 0),
        of_scope("client"),
    ),
    Difference(
        "with no identity too",
        at(REST, requestContext__identity=None),
        "AttributeError",
        (None, 0),
        of_scope("client"),
    ),
    Difference(
        "a host may be an IPv6 address",
        at(V2, headers__host="[2001:db8::1]:8443"),
        "ValueError",
        ("2001:db8::1", 8443),
        of_scope("server"),
    ),
    Difference(
        "without a port, too",
        at(V2, headers__host="[2001:db8::1]"),
        "ValueError",
        ("2001:db8::1", 80),
        of_scope("server"),
    ),
    Difference(
        "and without brackets",
        at(V2, headers__host="2001:db8::1"),
        "ValueError",
        ("2001:db8::1", 80),
        of_scope("server"),
    ),
    Difference(
        "a port may be none",
        at(V2, headers__host="things.example:http"),
        "ValueError",
        ("things.example", 80),
        of_scope("server"),
    ),
    Difference(
        "each hop may add its port",
        at(ALB, **{"headers__x-forwarded-port": "443, 8080"}),
        "ValueError",
        ("things-1234567.eu-west-1.elb.amazonaws.com", 8080),
        of_scope("server"),
    ),
    Difference("base64 may be broken", at(V2, body="AP+"), "Error", 400),
    Difference("a body must be text", at(REST, body={"a": 1}), "AttributeError", 400),
    Difference("of characters", at(REST, body="\ud800"), "UnicodeEncodeError", 400),
    Difference(
        "and so must a query",
        at(REST, multiValueQueryStringParameters={"a": ["\ud800"]}),
        "UnicodeEncodeError",
        400,
    ),
    Difference("a method is needed", at(REST, httpMethod=...), "KeyError", 400),
    Difference("a path is /", at(REST, path=...), "KeyError", "/", of_scope("path")),
    Difference("at a load balancer too", at(ALB, path=...), "KeyError", "/", of_scope("path")),
    Difference(
        "a query is a list or text",
        at(ALB, queryStringParameters={"a": 1}),
        "TypeError",
        400,
    ),
    Difference("no query is none", at(EDGE, **{f"{CF}querystring": ...}), "KeyError", 200),
    Difference(
        "CloudFront's lists have values", at(EDGE, **{f"{CF}headers__a": []}), "IndexError", 400
    ),
    Difference("VPC Lattice is not served", golden.lattice_v2(), "KeyError", 400),
    Difference("a context may be null", at(REST, requestContext=None), "TypeError", 200),
    Difference(
        "a header's bytes may be latin-1",
        REST(),
        "UnicodeDecodeError",
        {"x-name": "é"},
        lambda outcome: outcome.result["headers"],
        answering(200, [(b"x-name", b"\xe9")]),
    ),
    Difference("an app may say nothing", V2(), "AttributeError", 500, app=sending()),
    Difference("or stop half way", V2(), "AttributeError", 500, app=sending(START, PIECE)),
    # Paths that no app can serve: they do not begin with a slash.
    Difference(
        "a base path ends with its segment",
        at(REST, path="/testing"),
        "ing",
        "/testing",
        of_scope("path"),
        options={"api_gateway_base_path": "/test"},
    ),
    Difference(
        "under a base path is /",
        at(REST, path="/test"),
        "",
        "/",
        of_scope("path"),
        options={"api_gateway_base_path": "/test"},
    ),
    Difference(
        "a base path may end in a slash",
        at(REST, path="/test/hello"),
        "hello",
        "/hello",
        of_scope("path"),
        options={"api_gateway_base_path": "/test/"},
    ),
    # Ctrl-C, which is meant for the program and never comes on Lambda.
    Difference("Ctrl-C ends the program", V2(), 500, "KeyboardInterrupt", app=interrupted()),
]


@pytest.mark.parametrize("difference", DIFFERENCES, ids=str)
def test_what_differs_does_so_for_a_reason(difference: Difference) -> None:
    outcomes = both(difference.app, difference.event, **difference.options)

    assert [
        outcome.raised[0] if outcome.raised else difference.look(outcome) for outcome in outcomes
    ] == [difference.theirs, difference.ours]


@pytest.mark.parametrize("event", [None, [], "text", 1, {}, {"Records": []}, {"source": "aws.s3"}])
def test_an_event_of_another_kind_fails_the_invocation_with_both(event: Any) -> None:
    theirs, ours = both(answering(), event)

    assert theirs.raised
    assert ours.raised
    assert ours.raised[0] == "RuntimeError"
    assert "custom_handlers" in ours.raised[1]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 99999) | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=2) | st.dictionaries(st.text(max_size=3), children, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def broken(draw: st.DrawFn) -> Event:
    """A golden event with one member of any depth gone, or something else."""
    event = GOLDEN[draw(st.sampled_from(list(GOLDEN)))]()
    member: Any = event
    while True:
        keys = list(member) if isinstance(member, dict) else list(range(len(member)))
        key = draw(st.sampled_from(keys))
        if not (isinstance(member[key], dict | list) and member[key]) or draw(st.booleans()):
            break
        member = member[key]
    if draw(st.booleans()):
        del member[key]
    else:
        member[key] = draw(JSON_VALUES)
    return event


@given(broken())
@repeatable
def test_what_mangum_survives_comes_out_the_same_and_the_rest_is_refused_or_served(
    event: Event,
) -> None:
    theirs, ours = both(answering(), event)

    if ours.raised:
        assert ours.raised[0] == "RuntimeError"  # of no kind that is known here
    elif theirs.raised is None and status(ours) != 400:
        assert ours == theirs


def test_the_real_mangum_is_the_one_whose_behaviour_is_written_down_here() -> None:
    from importlib.metadata import version

    assert version("mangum").startswith("0.22.")
    assert "mangum" in sys.modules
