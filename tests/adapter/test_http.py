"""The HTTP cycle: ASGI's order of messages, its end, and the reader who leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from warmstart.adapter.asgi import ASGIApp, Message, Receive, Scope, Send
from warmstart.adapter.http import ClientDisconnected, HTTPCycle, ResponseStage
from warmstart.events.http import Headers

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"all"}
PIECE: Message = {"type": "http.response.body", "body": b"some", "more_body": True}


class MemoryFront:
    """A front that keeps the response and whose reader leaves when told."""

    def __init__(self, *, watched: bool = False) -> None:
        self.status: int | None = None
        self.headers: Headers = []
        self.pieces: list[tuple[bytes, bool]] = []
        self.committed = False
        self.gone = asyncio.Event()
        self.broken = False
        self._watched = watched

    def start(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    async def body(self, data: bytes, more: bool) -> None:
        if self.broken:
            raise BrokenPipeError
        self.pieces.append((data, more))
        self.committed = True

    def watch(self) -> Awaitable[None] | None:
        return self._left() if self._watched and self.committed else None

    async def _left(self) -> None:
        await self.gone.wait()


def run(app: ASGIApp, front: MemoryFront | None = None, body: bytes = b"") -> HTTPCycle:
    cycle = HTTPCycle(body, front or MemoryFront())
    asyncio.run(cycle.run(app, {"type": "http"}))
    return cycle


def sending(*messages: Message) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def test_the_body_comes_in_one_message() -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())

    run(app, body=b"hello")

    assert seen == [{"type": "http.request", "body": b"hello", "more_body": False}]


def test_a_whole_response_reaches_the_front() -> None:
    front = MemoryFront()
    start = {"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"1")]}

    cycle = run(sending(start, PIECE, BODY), front)

    assert cycle.stage is ResponseStage.COMPLETE
    assert (front.status, front.headers) == (201, [(b"x-a", b"1")])
    assert front.pieces == [(b"some", True), (b"all", False)]


def test_headers_body_and_more_body_may_be_left_out() -> None:
    front = MemoryFront()
    run(
        sending({"type": "http.response.start", "status": 204}, {"type": "http.response.body"}),
        front,
    )

    assert (front.headers, front.pieces) == ([], [(b"", False)])


def test_the_apps_own_transfer_encoding_is_ignored() -> None:
    front = MemoryFront()
    headers = [(b"Transfer-Encoding", b"chunked"), (b"a", b"1")]
    run(sending({"type": "http.response.start", "status": 200, "headers": headers}, BODY), front)

    assert front.headers == [(b"a", b"1")]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([BODY], "'http.response.start'"),
        ([START, START], "'http.response.body'"),
        ([START, BODY, BODY], "nothing"),
        ([START, BODY, START], "nothing"),
        ([{"type": "http.response.trailers"}], "'http.response.start'"),
        ([{"type": "websocket.send"}], "'http.response.start'"),
    ],
)
def test_a_message_out_of_turn_is_the_apps_error(messages: list[Message], expected: str) -> None:
    with pytest.raises(RuntimeError, match=expected):
        run(sending(*messages))


def test_after_the_response_the_client_counts_as_gone_for_receive_and_the_app_goes_on() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        await send(BODY)
        seen.append((await receive())["type"])
        seen.append("background work")

    run(app)

    assert seen == ["http.disconnect", "background work"]


def test_receive_waits_for_the_end_of_the_response() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        waiting = asyncio.ensure_future(receive())
        also = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        also.cancel()
        await send(START)
        await send(BODY)
        assert (await waiting)["type"] == "http.disconnect"

    assert run(app).stage is ResponseStage.COMPLETE


def test_a_send_to_a_reader_that_left_raises_an_oserror_and_that_ends_the_app_quietly() -> None:
    front = MemoryFront()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(PIECE)
        front.broken = True
        try:
            await send(PIECE)
        except OSError:
            await send(PIECE)

    cycle = run(app, front)

    assert cycle.gone
    assert len(front.pieces) == 1


def test_receive_tells_when_the_reader_of_a_stream_leaves() -> None:
    async def live() -> tuple[HTTPCycle, list[str]]:
        front = MemoryFront(watched=True)
        seen: list[str] = []

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            await send(START)
            await send(PIECE)
            front.gone.set()
            seen.append((await receive())["type"])
            with pytest.raises(ClientDisconnected):
                await send(PIECE)

        cycle = HTTPCycle(b"", front)
        await cycle.run(app, {"type": "http"})
        return cycle, seen

    cycle, seen = asyncio.run(live())

    assert cycle.gone
    assert seen == ["http.disconnect"]


def test_who_waits_before_the_stream_begins_hears_of_the_leaving_too() -> None:
    async def live() -> str:
        front = MemoryFront(watched=True)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            await send(START)
            await send(PIECE)
            front.gone.set()
            seen.append((await waiting)["type"])

        seen: list[str] = []
        await HTTPCycle(b"", front).run(app, {"type": "http"})
        return seen[0]

    assert asyncio.run(live()) == "http.disconnect"


def test_the_watch_ends_with_the_response() -> None:
    async def live() -> set[asyncio.Task[object]]:
        front = MemoryFront(watched=True)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            await send(START)
            await send(PIECE)
            await send(BODY)
            await waiting

        cycle = HTTPCycle(b"", front)
        await cycle.run(app, {"type": "http"})
        await asyncio.sleep(0)
        assert not cycle.gone
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(live()) == set()


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1])
def test_pathsend_sends_the_file_and_ends_the_response(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    front = MemoryFront()

    cycle = run(sending(START, {"type": "http.response.pathsend", "path": str(file)}), front)

    assert cycle.stage is ResponseStage.COMPLETE
    assert b"".join(data for data, _ in front.pieces) == b"x" * size
    assert [more for _, more in front.pieces][-1:] == [False]


def test_what_the_app_raises_comes_out() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(app)
