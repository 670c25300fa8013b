"""WebSocket events through a handler: frameworks, many connections, other environments."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from blacksheep import Application, Router, WebSocketDisconnectError
from blacksheep import WebSocket as BlackSheepWebSocket
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from litestar import Litestar
from litestar import WebSocket as LitestarWebSocket
from litestar.handlers import websocket
from quart import Quart
from quart import websocket as quart_websocket
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute

from tests.adapter import samples
from tests.adapter.conftest import MakeHandler
from tests.adapter.exchanges import Context, PostedAnswers
from warmstart.adapter.asgi import ASGIApp, Receive, Scope, Send
from warmstart.adapter.connections import MemoryConnections
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.handler import ASGIHandler
from warmstart.adapter.websocket import HandshakeIncomplete
from warmstart.adapter.websocket_serving import WebSocketAdapter, endpoint_of
from warmstart.events.source import Source
from warmstart.events.websocket import Connection

ID = "AAAA1234="

Invoke = Callable[[ASGIHandler, Any], Any]


def returned(handler: ASGIHandler, event: Any) -> Any:
    """As AWS's runtime calls."""
    return handler(event, Context())


def posted(handler: ASGIHandler, event: Any) -> Any:
    """As a runtime calls that answers when the handler says so."""
    exchange = PostedAnswers()
    handler.serve_invocation(event, Context(), exchange)
    return exchange.result


async def serve(
    adapter: WebSocketAdapter,
    event: Any,
    exchange: PostedAnswers | None = None,
    deadline: Deadline | None = None,
) -> None:
    """As the handler calls, without a handler."""
    await adapter.serve(
        Source.WEBSOCKET,
        event,
        None,
        exchange or PostedAnswers(),
        state={},
        deadline=deadline or Deadline(None, None),
    )


@pytest.fixture(params=[returned, posted])
def invoke(request: pytest.FixtureRequest) -> Invoke:
    way: Invoke = request.param
    return way


@pytest.fixture
def connections() -> MemoryConnections:
    return MemoryConnections()


# The frameworks' usual endpoint: accept, and echo until the client leaves.


def starlette_app() -> ASGIApp:
    async def endpoint(ws: WebSocket) -> None:
        await ws.accept(subprotocol="chat")
        while True:
            await ws.send_text(f"echo {await ws.receive_text()}")

    return Starlette(routes=[WebSocketRoute("/ws", endpoint)])


def starlette_class_app() -> ASGIApp:
    class Echo(WebSocketEndpoint):
        encoding = "text"

        async def on_connect(self, websocket: Any) -> None:
            await websocket.accept(subprotocol="chat")

        async def on_receive(self, websocket: Any, data: Any) -> None:
            await websocket.send_text(f"echo {data}")

    return Starlette(routes=[WebSocketRoute("/ws", Echo)])


def fastapi_app() -> ASGIApp:
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(ws: WebSocket) -> None:
        await ws.accept(subprotocol="chat")
        try:
            while True:
                await ws.send_text(f"echo {await ws.receive_text()}")
        except WebSocketDisconnect:
            pass

    return app


def litestar_app() -> Any:
    @websocket("/ws")
    async def endpoint(socket: LitestarWebSocket[Any, Any, Any]) -> None:
        await socket.accept(subprotocols="chat")
        while True:
            await socket.send_text(f"echo {await socket.receive_text()}")

    return Litestar([endpoint])


def quart_app() -> Any:
    app = Quart(__name__)

    @app.websocket("/ws")
    async def endpoint() -> None:
        await quart_websocket.accept(subprotocol="chat")
        while True:
            await quart_websocket.send(f"echo {await quart_websocket.receive()!s}")

    return app


def blacksheep_app() -> ASGIApp:
    app = Application(router=Router())  # the default one is shared by all applications

    @app.router.ws("/ws")
    async def endpoint(ws: BlackSheepWebSocket) -> None:
        await ws.accept(subprotocol="chat")
        try:
            while True:
                await ws.send_text(f"echo {await ws.receive_text()}")
        except WebSocketDisconnectError:
            pass

    return app


APPS = [
    starlette_app,
    starlette_class_app,
    fastapi_app,
    litestar_app,
    quart_app,
    blacksheep_app,
]


@pytest.mark.parametrize("make_app", APPS)
def test_the_usual_endpoint_works_unchanged(
    make_handler: MakeHandler,
    connections: MemoryConnections,
    caplog: pytest.LogCaptureFixture,
    invoke: Invoke,
    make_app: Callable[[], ASGIApp],
) -> None:
    handler = make_handler(make_app(), connections=connections, websocket_path="/ws")

    accepted = invoke(handler, samples.connect())
    assert accepted["statusCode"] == 200
    assert accepted["headers"]["Sec-WebSocket-Protocol"] == "chat"
    for text in ("one", "two"):
        assert invoke(handler, samples.message(text))["statusCode"] == 200
        assert connections.sent[ID][-1] == f"echo {text}"
    assert invoke(handler, samples.disconnect())["statusCode"] == 200

    assert connections.sent[ID] == ["echo one", "echo two"]
    assert connections.gone == set()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("make_app", APPS)
def test_another_environment_goes_on_with_the_connection(
    make_handler: MakeHandler,
    connections: MemoryConnections,
    invoke: Invoke,
    make_app: Callable[[], ASGIApp],
) -> None:
    handler = make_handler(make_app(), connections=connections, websocket_path="/ws")

    assert invoke(handler, samples.message("one"))["statusCode"] == 200
    assert invoke(handler, samples.message("two"))["statusCode"] == 200

    assert connections.sent[ID] == ["echo one", "echo two"]


class Noting:
    """An app that accepts, notes what it is given, and sends what it gets."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.messages: list[Any] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        self.messages.append(await receive())
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            self.messages.append(message)
            if message["type"] == "websocket.disconnect":
                return
            await send({**message, "type": "websocket.send"})


@pytest.fixture
def app() -> Noting:
    return Noting()


@pytest.fixture
def handler(make_handler: MakeHandler, app: Noting, connections: MemoryConnections) -> ASGIHandler:
    return make_handler(app, connections=connections, lifespan="off")


def test_the_scope_of_a_new_connection(handler: ASGIHandler, app: Noting) -> None:
    event, context = samples.connect(headers={"Sec-WebSocket-Protocol": ["a, b", "c"]}), Context()
    handler(event, context)

    (scope,) = app.scopes
    headers = scope.pop("headers")
    assert (b"host", samples.WEBSOCKET_DOMAIN.encode()) in headers
    assert (b"sec-websocket-version", b"13") in headers
    assert scope.pop("aws.event") is event
    assert scope.pop("aws.context") is context
    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"room=7",
        "root_path": "",
        "client": ("192.0.2.1", 0),
        "server": (samples.WEBSOCKET_DOMAIN, 443),
        "subprotocols": ["a", "b", "c"],
        "state": {},
        "extensions": {
            "websocket.http.response": {},
            "warmstart.websocket": {
                "connection_id": ID,
                "endpoint": samples.WEBSOCKET_ENDPOINT,
                "resumed": False,
            },
        },
    }


def test_the_scope_of_a_resumed_connection(handler: ASGIHandler, app: Noting) -> None:
    handler(samples.message("hello"), None)

    (scope,) = app.scopes
    assert scope["extensions"]["warmstart.websocket"]["resumed"] is True
    assert scope["headers"] == [
        (b"host", samples.WEBSOCKET_DOMAIN.encode()),
        (b"user-agent", b"Mozilla/5.0"),
    ]
    assert (scope["path"], scope["query_string"], scope["subprotocols"]) == ("/", b"", [])
    assert (scope["scheme"], scope["server"]) == ("wss", (samples.WEBSOCKET_DOMAIN, 443))
    assert app.messages == [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "hello"},
    ]


def test_an_event_may_lack_what_only_informs(handler: ASGIHandler, app: Noting) -> None:
    event = samples.message("hello")
    del event["requestContext"]["identity"], event["requestContext"]["domainName"]
    handler(event, None)

    (scope,) = app.scopes
    assert (scope["client"], scope["server"], scope["headers"]) == (None, None, [])


def test_a_plain_http_gateway_is_ws(handler: ASGIHandler, app: Noting) -> None:
    headers = {"Host": ["localhost:8001"], "X-Forwarded-Proto": ["http"], "X-Forwarded-Port": [""]}
    handler(samples.connect(headers=headers), None)

    assert (app.scopes[0]["scheme"], app.scopes[0]["server"]) == ("ws", ("localhost", 8001))


def test_binary_messages_arrive_as_bytes(handler: ASGIHandler, connections: Any) -> None:
    handler(samples.connect(), None)
    handler(samples.message("AP8=", encoded=True), None)

    assert connections.sent[ID] == [b"\x00\xff"]


def test_the_disconnect_has_its_code_and_reason(handler: ASGIHandler, app: Noting) -> None:
    handler(samples.connect(), None)
    handler(samples.disconnect(code=1001, reason="going away"), None)

    assert app.messages[-1] == {
        "type": "websocket.disconnect",
        "code": 1001,
        "reason": "going away",
    }


def test_a_disconnect_in_another_environment_reaches_the_apps_cleanup(
    handler: ASGIHandler, app: Noting
) -> None:
    assert handler(samples.disconnect(), None)["statusCode"] == 200

    assert [message["type"] for message in app.messages] == [
        "websocket.connect",
        "websocket.disconnect",
    ]


def test_a_connection_that_begins_anew_ends_what_it_was_before(
    handler: ASGIHandler, app: Noting, connections: MemoryConnections
) -> None:
    handler(samples.connect(), None)
    handler(samples.connect(), None)

    assert handler(samples.message("hello"), None)["statusCode"] == 200
    assert connections.sent == {"AAAA1234=": ["hello"]}
    assert sorted(message["type"] for message in app.messages) == [
        "websocket.connect",
        "websocket.connect",
        "websocket.disconnect",
        "websocket.receive",
    ]
    sockets = handler._invocations.sockets
    assert sockets is not None
    assert sockets.statistics()["living"] == 1


def test_many_connections_live_beside_each_other_and_none_is_left_over(
    handler: ASGIHandler, app: Noting, connections: MemoryConnections
) -> None:
    ids = [f"connection-{number}=" for number in range(200)]
    for connection_id in ids:
        handler(samples.connect(connection_id), None)
    for connection_id in reversed(ids):
        handler(samples.message(f"hello {connection_id}", connection_id), None)
    assert len(app.scopes) == 200
    assert connections.sent == {name: [f"hello {name}"] for name in ids}

    for connection_id in ids:
        handler(samples.disconnect(connection_id), None)
    sockets = handler._invocations.sockets
    assert sockets is not None
    assert sockets.statistics() == {"living": 0, "ended": 0, "unannounced": 0}


def test_connections_may_be_served_at_the_same_time(
    handler: ASGIHandler, connections: MemoryConnections
) -> None:
    async def session(connection_id: str) -> None:
        for event in (
            samples.connect(connection_id),
            samples.message("one", connection_id),
            samples.message("two", connection_id),
            samples.disconnect(connection_id),
        ):
            exchange = PostedAnswers()
            await handler.serve(event, Context(), exchange)
            assert exchange.result["statusCode"] == 200

    async def drive() -> None:
        await handler.start()
        await asyncio.gather(*(session(f"connection-{number}") for number in range(50)))
        await handler.stop()

    asyncio.run(drive())
    assert set(map(tuple, connections.sent.values())) == {("one", "two")}


def test_the_lifespans_state_is_there_and_each_connection_has_its_own_context(
    make_handler: MakeHandler, connections: MemoryConnections
) -> None:
    variable = contextvars.ContextVar("variable", default="unset")

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"pool": "open"}

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/")
    async def endpoint(ws: WebSocket) -> None:
        await ws.accept()
        while True:
            text = await ws.receive_text()
            await ws.send_text(f"{ws.state.pool} {variable.get()}")
            variable.set(text)

    handler = make_handler(app, connections=connections)
    for connection_id in ("a", "b"):
        handler(samples.connect(connection_id), None)
    for text in ("one", "two"):
        for connection_id in ("a", "b"):
            handler(samples.message(f"{text} of {connection_id}", connection_id), None)

    assert connections.sent == {
        "a": ["open unset", "open one of a"],
        "b": ["open unset", "open one of b"],
    }


def greeting_app() -> ASGIApp:
    app = FastAPI()

    @app.websocket("/")
    async def endpoint(ws: WebSocket) -> None:
        await ws.accept()
        await ws.send_text("welcome")
        while True:
            await ws.send_text(await ws.receive_text())

    return app


def test_a_greeting_goes_out_when_the_handshake_has_been_answered(
    make_handler: MakeHandler, connections: MemoryConnections
) -> None:
    handler = make_handler(greeting_app(), connections=connections)
    posted(handler, samples.connect())

    assert connections.sent[ID] == ["welcome"]


def test_where_the_answer_leaves_with_the_invocations_end_the_greeting_waits_for_the_next_event(
    make_handler: MakeHandler, connections: MemoryConnections
) -> None:
    handler = make_handler(greeting_app(), connections=connections)
    handler(samples.connect("a"), None)
    assert connections.sent == {}

    handler(samples.connect("b"), None)  # of whichever connection
    handler(samples.message("hello", "b"), None)
    assert connections.sent == {"a": ["welcome"], "b": ["welcome", "hello"]}


# Refusals, failures and deadlines.


def denying_app() -> ASGIApp:
    app = FastAPI()

    @app.websocket("/close")
    async def close(ws: WebSocket) -> None:
        await ws.close()

    @app.websocket("/deny")
    async def deny(ws: WebSocket) -> None:
        await ws.send_denial_response(PlainTextResponse("who are you?", 401))

    @app.websocket("/fail")
    async def fail(ws: WebSocket) -> None:
        raise LookupError("broken")

    @app.websocket("/fail-later")
    async def fail_later(ws: WebSocket) -> None:
        await ws.accept()
        await ws.receive_text()
        raise LookupError("broken")

    @app.websocket("/close-later")
    async def close_later(ws: WebSocket) -> None:
        await ws.accept()
        await ws.receive_text()
        await ws.close(4000)

    @app.websocket("/return")
    async def return_(ws: WebSocket) -> None:
        return

    return app


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/close", 403, ""), ("/deny", 401, "who are you?"), ("/nowhere", 403, "")],
)
def test_a_refusal_is_the_answer(
    make_handler: MakeHandler, invoke: Invoke, path: str, status: int, body: str
) -> None:
    handler = make_handler(
        denying_app(), connections=MemoryConnections(), websocket_path=path, lifespan="off"
    )
    answer = invoke(handler, samples.connect())

    assert (answer["statusCode"], answer["body"]) == (status, body)
    sockets = handler._invocations.sockets
    assert sockets is not None
    assert sockets.statistics()["living"] == 0


@pytest.mark.parametrize(
    ("path", "error"), [("/fail", LookupError), ("/return", HandshakeIncomplete)]
)
def test_an_app_that_fails_the_handshake(
    make_handler: MakeHandler,
    caplog: pytest.LogCaptureFixture,
    invoke: Invoke,
    path: str,
    error: type[Exception],
) -> None:
    options = {"connections": MemoryConnections(), "websocket_path": path}
    responds = make_handler(denying_app(), **options)
    with caplog.at_level(logging.ERROR, "warmstart"):
        assert invoke(responds, samples.connect())["statusCode"] == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is error
    assert ID in record.getMessage()

    raises = make_handler(denying_app(), on_error="raise", **options)
    with pytest.raises(error):
        invoke(raises, samples.connect())


def test_an_app_that_fails_on_a_message_is_closed_and_not_started_again(
    make_handler: MakeHandler, connections: MemoryConnections, invoke: Invoke
) -> None:
    options = {"connections": connections, "websocket_path": "/fail-later"}
    responds = make_handler(denying_app(), **options)
    invoke(responds, samples.connect())
    assert invoke(responds, samples.message("hello"))["statusCode"] == 500
    assert connections.gone == {ID}
    assert invoke(responds, samples.disconnect())["statusCode"] == 200  # as the close brings about

    raises = make_handler(denying_app(), on_error="raise", **options)
    invoke(raises, samples.connect())
    with pytest.raises(LookupError):
        invoke(raises, samples.message("hello"))


def test_an_app_that_closed_is_not_started_again_for_its_disconnect(
    make_handler: MakeHandler, connections: MemoryConnections, invoke: Invoke
) -> None:
    app, calls = denying_app(), []

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["type"])
        await app(scope, receive, send)

    handler = make_handler(
        counting, connections=connections, websocket_path="/close-later", lifespan="off"
    )
    for event in (samples.connect(), samples.message("bye"), samples.disconnect()):
        assert invoke(handler, event)["statusCode"] == 200

    assert connections.gone == {ID}
    assert calls == ["websocket"]


def test_only_so_many_ended_connections_are_remembered(
    make_handler: MakeHandler, connections: MemoryConnections
) -> None:
    async def closes(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.close"})

    handler = make_handler(closes, connections=connections, lifespan="off")
    for number in range(1100):
        handler(samples.connect(str(number)), None)

    sockets = handler._invocations.sockets
    assert sockets is not None
    assert sockets.statistics() == {"living": 0, "ended": 1024, "unannounced": 0}


@pytest.mark.parametrize(
    "field", ["connectionId", "eventType", "connectedAt", "disconnectStatusCode"]
)
def test_a_malformed_event_is_a_400_that_names_the_field(handler: ASGIHandler, field: str) -> None:
    event = samples.disconnect()
    event["requestContext"][field] = [] if field != "eventType" else "OTHER"
    answer = handler(event, None)

    assert answer["statusCode"] == 400
    assert f"requestContext.{field}" in answer["body"]


async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if scope["path"] == "/accepts":
        await send({"type": "websocket.accept"})
        if (await receive()).get("text") != "hang":
            await receive()
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("path", ["/", "/accepts"])
def test_an_app_that_is_not_done_by_the_deadline_is_given_up_and_its_connection_is_not(
    make_handler: MakeHandler, connections: MemoryConnections, invoke: Invoke, path: str
) -> None:
    handler = make_handler(hangs, connections=connections, websocket_path=path, lifespan="off")
    event = samples.connect()
    if path == "/accepts":
        assert invoke(handler, event)["statusCode"] == 200
        event = samples.message("hang")

    assert handler(event, Context(remaining=0))["statusCode"] == 504
    assert connections.gone == set()
    sockets = handler._invocations.sockets
    assert sockets is not None
    assert sockets.statistics()["living"] == 0


def test_an_app_that_goes_on_past_the_deadline_after_its_accept_is_given_up(
    connections: MemoryConnections, caplog: pytest.LogCaptureFixture
) -> None:
    answered: asyncio.Event

    async def accepts_and_hangs(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})  # returns when it has been answered
        answered.set()
        await asyncio.get_running_loop().create_future()

    async def drive() -> None:
        nonlocal answered
        answered = asyncio.Event()
        adapter = WebSocketAdapter(accepts_and_hangs, connections)
        deadline, exchange = Deadline(Context(remaining=0), 0.0), PostedAnswers()
        serving = asyncio.create_task(serve(adapter, samples.connect(), exchange, deadline))
        await answered.wait()
        deadline.arm(asyncio.get_running_loop(), serving)
        await serving
        assert exchange.result["statusCode"] == 200
        assert adapter.statistics()["living"] == 0

    asyncio.run(drive())
    assert connections.gone == set()
    assert "before the deadline" in caplog.text


def test_somebody_elses_cancellation_is_obeyed(
    make_handler: MakeHandler, connections: MemoryConnections
) -> None:
    handler = make_handler(hangs, connections=connections, lifespan="off")

    async def drive() -> None:
        serving = asyncio.create_task(handler.serve(samples.connect(), Context(), PostedAnswers()))
        for _ in range(5):
            await asyncio.sleep(0)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        await handler.stop()

    asyncio.run(drive())


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_the_process_is_never_swallowed(
    make_handler: MakeHandler, error: BaseException
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    handler = make_handler(app, connections=MemoryConnections(), lifespan="off")
    with pytest.raises(type(error)):
        handler(samples.connect(), None)


def test_the_environments_end_leaves_connections_to_others(
    make_handler: MakeHandler, app: Noting, connections: MemoryConnections
) -> None:
    handler = make_handler(app, connections=connections, lifespan="off")
    handler(samples.connect(), None)
    handler(samples.message("one"), None)
    handler.stop_environment()

    assert connections.gone == set()
    handler(samples.message("two"), None)  # and it may begin anew
    assert connections.sent[ID] == ["one", "two"]


def test_a_connection_that_must_be_over_is_over() -> None:
    """Its disconnect went to another environment; API Gateway ends a connection after two hours."""
    now = 0.0
    app = Noting()
    adapter = WebSocketAdapter(app, MemoryConnections(), clock=lambda: now)

    async def drive() -> None:
        nonlocal now
        await serve(adapter, samples.connect("old"))
        now = 3600.0
        await serve(adapter, samples.connect("young"))
        assert adapter.statistics()["living"] == 2
        now = 7201.0
        await serve(adapter, samples.message("hello", "young"))
        assert adapter.statistics()["living"] == 1
        await adapter.stop()

    asyncio.run(drive())
    assert {"type": "websocket.disconnect", "code": 1006, "reason": ""} in app.messages


def test_a_lifespan_of_each_invocation_cannot_hold_a_connection(make_handler: MakeHandler) -> None:
    handler = make_handler(Noting(), lifespan_per="invocation")

    with pytest.raises(RuntimeError, match='needs lifespan_per="environment"'):
        handler(samples.connect(), None)


def test_a_path_must_be_one() -> None:
    with pytest.raises(ValueError, match="websocket_path='ws': must begin with '/'"):
        ASGIHandler(Noting(), websocket_path="ws")


# The endpoint of the API.


@pytest.mark.parametrize(
    ("domain", "api_id", "region", "endpoint"),
    [
        ("abc.execute-api.eu-west-1.amazonaws.com", "abc", "eu-west-1", None),
        (
            "ws.example.com",
            "abc",
            "eu-west-1",
            "https://abc.execute-api.eu-west-1.amazonaws.com/prod",
        ),
        (
            "ws.example.cn",
            "abc",
            "cn-north-1",
            "https://abc.execute-api.cn-north-1.amazonaws.com.cn/prod",
        ),
        ("ws.example.com", "", "eu-west-1", None),
        ("ws.example.com", "abc", "", None),
    ],
)
def test_the_endpoint_is_the_apis_own_domain(
    monkeypatch: pytest.MonkeyPatch, domain: str, api_id: str, region: str, endpoint: str | None
) -> None:
    monkeypatch.setenv("AWS_REGION", region)

    assert endpoint_of(Connection("id", domain, "prod", api_id)) == (
        endpoint or f"https://{domain}/prod"
    )


def test_the_sender_is_told_the_endpoint(make_handler: MakeHandler) -> None:
    endpoints = []

    class Sender(MemoryConnections):
        async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
            endpoints.append(endpoint)

    handler = make_handler(Noting(), connections=Sender(), lifespan="off")
    handler(samples.message("hello"), None)

    assert endpoints == [samples.WEBSOCKET_ENDPOINT]
