"""The WebSocket cycle: ASGI's order of messages, what is sent, and when an event is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send
from warmstart.adapter.connections import ConnectionGone, MemoryConnections, MessageTooLarge
from warmstart.adapter.websocket import HandshakeIncomplete, SocketStage, WebSocketCycle

ACCEPT: Message = {"type": "websocket.accept"}
CLOSE: Message = {"type": "websocket.close"}
TEXT: Message = {"type": "websocket.send", "text": "hello"}
DENY: Message = {"type": "websocket.http.response.start", "status": 401, "headers": [(b"a", b"b")]}
DENY_BODY: Message = {"type": "websocket.http.response.body", "body": b"who are you?"}


def sending(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "websocket.connect"}
        for message in messages:
            await send(message)

    return app


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send({**message, "type": "websocket.send"})


def cycle_of(app: ASGIApp, connections: Any = None, **options: Any) -> WebSocketCycle:
    options.setdefault("greeting_pauses", ())
    return WebSocketCycle(app, {}, connections or MemoryConnections(), "id", "endpoint", **options)


def settled(app: ASGIApp, connections: Any = None, **options: Any) -> WebSocketCycle:
    """A cycle whose app is established and settled."""

    async def drive() -> WebSocketCycle:
        cycle = cycle_of(app, connections, **options)
        cycle.establish()
        await cycle.wait_settled()
        return cycle

    return asyncio.run(drive())


def test_accept_is_answered_with_the_subprotocol_and_the_headers() -> None:
    accept = {**ACCEPT, "subprotocol": "graphql-ws", "headers": [(b"set-cookie", b"a=b")]}
    cycle = settled(sending(accept))

    assert cycle.answer is not None
    assert cycle.answer.status == 200
    assert cycle.answer.headers == [
        (b"set-cookie", b"a=b"),
        (b"Sec-WebSocket-Protocol", b"graphql-ws"),
    ]


def test_close_before_accept_is_403() -> None:
    cycle = settled(sending(CLOSE))

    assert cycle.answer is not None
    assert cycle.answer.status == 403
    assert cycle.stage is SocketStage.CLOSED
    assert cycle.error is None


def test_a_denial_response_is_the_answer() -> None:
    cycle = settled(sending(DENY, {**DENY_BODY, "more_body": True}, DENY_BODY))

    assert cycle.answer is not None
    assert (cycle.answer.status, cycle.answer.headers) == (401, [(b"a", b"b")])
    assert cycle.answer.body == b"who are you?who are you?"
    assert cycle.error is None


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((TEXT,), "neither accepted nor refused; expected 'websocket.accept' or 'websocket.close'"),
        ((DENY_BODY,), "neither accepted nor refused"),
        ((ACCEPT, ACCEPT), "is open; expected 'websocket.send' or 'websocket.close'"),
        ((ACCEPT, DENY), "is open"),
        ((ACCEPT, CLOSE, TEXT), "is closed; expected nothing more"),
        ((ACCEPT, CLOSE, CLOSE), "is closed"),
        ((CLOSE, ACCEPT), "is closed"),
        ((DENY, ACCEPT), "being refused with a response; expected 'websocket.http.response.body'"),
        ((DENY, DENY_BODY, DENY_BODY), "is closed"),
        (({"type": "http.response.start"},), "Unexpected ASGI message 'http.response.start'"),
        ((ACCEPT, {"type": "websocket.send"}), "either text or bytes"),
        ((ACCEPT, {**TEXT, "bytes": b"hello"}), "either text or bytes"),
        ((ACCEPT, {"type": "websocket.send", "text": 7}), "a str as text or bytes as bytes, not 7"),
    ],
)
def test_messages_out_of_order_are_refused(messages: tuple[Message, ...], expected: str) -> None:
    cycle = settled(sending(*messages))

    assert isinstance(cycle.error, RuntimeError | TypeError)
    assert expected in str(cycle.error)


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        ({"text": "grüße"}, "grüße"),
        ({"text": ""}, ""),
        ({"bytes": b"\x00\xff"}, b"\x00\xff"),
        ({"bytes": bytearray(b"ab")}, b"ab"),
        ({"bytes": None, "text": "a"}, "a"),
        ({"bytes": b"a", "text": None}, b"a"),
    ],
)
def test_text_and_bytes_are_sent_as_they_are(message: dict[str, Any], sent: str | bytes) -> None:
    connections = MemoryConnections()
    settled(sending(ACCEPT, {"type": "websocket.send", **message}), connections)

    assert connections.sent == {"id": [sent]}


@pytest.mark.parametrize(("data", "kind"), [("text", "text"), (b"binary", "bytes")])
def test_the_app_receives_exactly_one_of_text_and_bytes(data: str | bytes, kind: str) -> None:
    got: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        got.append(await receive())

    async def drive() -> None:
        cycle = cycle_of(app)
        cycle.establish()
        cycle.deliver(data)
        await cycle.wait_settled()

    asyncio.run(drive())
    assert got == [{"type": "websocket.receive", kind: data}]


def test_an_event_is_over_when_the_app_waits_for_the_next_message() -> None:
    connections = MemoryConnections()

    async def drive() -> None:
        cycle = cycle_of(echo, connections)
        await cycle.wait_answered()
        cycle.establish()
        await cycle.wait_settled()
        for text in ("one", "two"):
            cycle.deliver(text)
            await cycle.wait_settled()
            assert connections.sent["id"][-1] == text
        cycle.disconnect(1001, "going away")
        await cycle.wait_settled()
        assert cycle.task.done()
        assert cycle.error is None

    asyncio.run(drive())
    assert connections.sent["id"] == ["one", "two"]
    assert connections.gone == set()  # the client has left: there is nothing to close


def test_several_messages_at_once_are_taken_in_order() -> None:
    connections = MemoryConnections()

    async def drive() -> None:
        cycle = cycle_of(echo, connections)
        cycle.establish()
        for text in ("one", "two", "three"):
            cycle.deliver(text)
        await asyncio.gather(cycle.wait_settled(), cycle.wait_settled())
        cycle.abandon()

    asyncio.run(drive())
    assert connections.sent["id"] == ["one", "two", "three"]


class SlowConnections(MemoryConnections):
    """Takes some turns of the loop for each message."""

    async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        await super().send(connection_id, data, endpoint)


def test_what_another_task_of_the_app_sends_for_a_message_is_waited_for() -> None:
    """Quart reads in one task and works in another."""
    connections = SlowConnections()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        messages: asyncio.Queue[Message] = asyncio.Queue()

        async def work() -> None:
            while True:
                await send({**await messages.get(), "type": "websocket.send"})

        worker = asyncio.create_task(work())
        while (message := await receive())["type"] == "websocket.receive":
            await messages.put(message)
        worker.cancel()

    async def drive() -> None:
        cycle = cycle_of(app, connections)
        cycle.establish()
        cycle.deliver("one")
        await cycle.wait_settled()
        assert connections.sent["id"] == ["one"]
        cycle.disconnect()
        await cycle.wait_settled()

    asyncio.run(drive())


def test_accept_returns_to_the_app_when_the_handshake_has_been_answered() -> None:
    connections = MemoryConnections()

    async def drive() -> None:
        cycle = cycle_of(sending(ACCEPT, TEXT), connections)
        await cycle.wait_answered()
        for _ in range(10):
            await asyncio.sleep(0)
        assert connections.sent == {}
        cycle.establish()
        await cycle.wait_settled()

    asyncio.run(drive())
    assert connections.sent == {"id": ["hello"]}


class LateConnections(MemoryConnections):
    """Knows a connection only at the third attempt."""

    attempts = 0

    async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
        self.attempts += 1
        if self.attempts < 3:
            raise ConnectionGone(connection_id)
        await super().send(connection_id, data, endpoint)


def test_a_greeting_waits_for_api_gateway_to_know_the_connection() -> None:
    connections = LateConnections()
    cycle = settled(sending(ACCEPT, TEXT), connections, greeting_pauses=(0, 0))

    assert cycle.error is None
    assert connections.sent == {"id": ["hello"]}


def test_once_the_client_has_spoken_410_is_believed() -> None:
    async def drive() -> WebSocketCycle:
        cycle = cycle_of(echo, connections, greeting_pauses=(0, 0))
        cycle.establish()
        cycle.deliver("one")
        await cycle.wait_settled()
        return cycle

    connections = LateConnections()
    assert asyncio.run(drive()).gone
    assert connections.attempts == 1


def test_a_client_that_has_gone_is_an_oserror_and_then_a_disconnect() -> None:
    connections = MemoryConnections()
    connections.gone.add("id")
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        for _ in range(2):
            try:
                await send(TEXT)
            except OSError as error:
                seen.append(error)
        seen.append(await receive())
        seen.append(await receive())
        await send(CLOSE)

    cycle = settled(app, connections)

    assert [type(error) for error in seen[:2]] == [ConnectionGone, ConnectionGone]
    assert seen[2] == seen[3] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    assert cycle.gone
    assert cycle.error is None  # the last send raised, as it should, and the app took leave with it


def test_a_message_that_is_too_long_is_the_apps_error() -> None:
    connections = MemoryConnections()
    text = "x" * (128 * 1024)
    cycle = settled(
        sending(ACCEPT, {**TEXT, "text": text}, {**TEXT, "text": f"{text}y"}), connections
    )

    assert isinstance(cycle.error, MessageTooLarge)
    assert connections.sent["id"] == [text]
    assert connections.gone == {"id"}


def test_closing_an_open_connection_closes_it_at_the_gateway_and_ends_receive() -> None:
    connections = MemoryConnections()
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({**CLOSE, "code": 4001, "reason": "bye"})
        seen.append(await receive())

    async def drive() -> None:
        cycle = cycle_of(app, connections)
        cycle.establish()
        cycle.deliver("not heard")
        await cycle.wait_settled()
        cycle.deliver("nor this")
        cycle.disconnect(1000)

    asyncio.run(drive())
    assert connections.gone == {"id"}
    assert seen == [{"type": "websocket.disconnect", "code": 4001, "reason": "bye"}]


@pytest.mark.parametrize("resumed", [False, True])
def test_an_app_that_returns_closes_its_connection(resumed: bool) -> None:
    connections = MemoryConnections()
    cycle = settled(sending(ACCEPT), connections, resumed=resumed)

    assert connections.gone == {"id"}
    assert cycle.error is None
    assert not cycle.gone


def test_an_app_that_fails_closes_its_connection() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        raise LookupError("broken")

    connections = MemoryConnections()
    cycle = settled(app, connections)

    assert connections.gone == {"id"}
    assert isinstance(cycle.error, LookupError)


@pytest.mark.parametrize("messages", [(), (DENY,), (DENY, {**DENY_BODY, "more_body": True})])
@pytest.mark.parametrize("resumed", [False, True])
def test_an_app_that_returns_without_an_answer_is_told_so(
    messages: tuple[Message, ...], resumed: bool
) -> None:
    connections = MemoryConnections()
    cycle = settled(sending(*messages), connections, resumed=resumed)

    assert isinstance(cycle.error, HandshakeIncomplete)
    assert cycle.answer is None
    assert connections.gone == ({"id"} if resumed else set())


def test_an_app_that_fails_before_its_answer_has_no_connection_to_close() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("broken")

    connections = MemoryConnections()
    cycle = settled(app, connections)

    assert isinstance(cycle.error, LookupError)
    assert connections.gone == set()


@pytest.mark.parametrize("messages", [(CLOSE,), (DENY, DENY_BODY)])
def test_refusing_a_resumed_connection_closes_it(messages: tuple[Message, ...]) -> None:
    connections = MemoryConnections()
    cycle = settled(sending(*messages), connections, resumed=True)

    assert connections.gone == {"id"}
    assert cycle.error is None


def test_the_accept_of_a_resumed_connection_is_swallowed() -> None:
    connections = MemoryConnections()

    async def drive() -> None:
        cycle = cycle_of(echo, connections, resumed=True)
        cycle.deliver("again")
        await cycle.wait_settled()
        cycle.abandon()

    asyncio.run(drive())
    assert connections.sent == {"id": ["again"]}


class BrokenConnections(MemoryConnections):
    async def close(self, connection_id: str, endpoint: str = "") -> None:
        raise RuntimeError("no way to close")


async def fails_open(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ACCEPT)
    raise LookupError("broken")


@pytest.mark.parametrize(
    ("app", "error"), [(sending(ACCEPT), RuntimeError), (fails_open, LookupError)]
)
def test_what_fails_first_is_kept(app: ASGIApp, error: type[Exception]) -> None:
    assert type(settled(app, BrokenConnections()).error) is error


def farewell(error: Exception) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        raise error

    return app


class Disconnected(Exception):
    """As frameworks raise it."""

    def __init__(self, code: int) -> None:
        self.code = code


def after_disconnect(app: ASGIApp, code: int = 1001) -> WebSocketCycle:
    async def drive() -> WebSocketCycle:
        cycle = cycle_of(app)
        cycle.establish()
        await cycle.wait_settled()
        cycle.disconnect(code)
        await cycle.wait_settled()
        return cycle

    return asyncio.run(drive())


@pytest.mark.parametrize("error", [Disconnected(1001), Disconnected(1006), ConnectionGone("id")])
def test_an_error_that_says_that_the_client_has_left_is_none(error: Exception) -> None:
    assert after_disconnect(farewell(error)).error is None


@pytest.mark.parametrize("error", [Disconnected(1003), LookupError("in its cleanup")])
def test_other_errors_after_the_disconnect_are_the_apps(error: Exception) -> None:
    assert after_disconnect(farewell(error)).error is error


def test_returning_without_an_answer_to_a_client_that_has_left_is_no_error() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        assert (await receive())["type"] == "websocket.disconnect"

    assert after_disconnect(app).error is None


def test_abandoning_cancels_the_app_and_leaves_the_connection() -> None:
    connections = MemoryConnections()
    cleaned: list[type[BaseException]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await echo(scope, receive, send)
        finally:
            try:
                await send(CLOSE)
            except OSError as error:
                cleaned.append(type(error))

    async def drive() -> WebSocketCycle:
        cycle = cycle_of(app, connections)
        cycle.establish()
        await cycle.wait_settled()
        cycle.abandon()
        await cycle.wait_settled()
        return cycle

    cycle = asyncio.run(drive())
    assert cleaned == [ConnectionGone]
    assert cycle.error is None
    assert connections.gone == set()


@pytest.mark.parametrize("gone", [False, True])
def test_an_app_that_cancels_itself_has_failed_unless_its_client_left(gone: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        raise asyncio.CancelledError

    async def drive() -> WebSocketCycle:
        cycle = cycle_of(app)
        cycle.establish()
        if gone:
            cycle.disconnect()
        else:
            cycle.deliver("go")
        await cycle.wait_settled()
        return cycle

    cycle = asyncio.run(drive())
    assert isinstance(cycle.error, asyncio.CancelledError) is not gone


def test_two_tasks_may_wait_in_receive() -> None:
    got: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)

        async def listen(receive: Callable[[], Awaitable[Message]]) -> None:
            while (message := await receive())["type"] == "websocket.receive":
                got.append(message["text"])

        await asyncio.gather(listen(receive), listen(receive))

    async def drive() -> None:
        cycle = cycle_of(app)
        cycle.establish()
        for text in ("one", "two", "three"):
            cycle.deliver(text)
            await cycle.wait_settled()
        cycle.disconnect()
        await cycle.wait_settled()
        assert cycle.task.done()

    asyncio.run(drive())
    assert got == ["one", "two", "three"]
