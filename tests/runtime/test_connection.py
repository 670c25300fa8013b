"""The two HTTP clients, the blocking one and the event loop's, read the same bytes the same way."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from warmstart.runtime.async_connection import AsyncConnection
from warmstart.runtime.connection import (
    MAX_HEAD,
    Connection,
    ConnectionLost,
    ProtocolError,
    Response,
    split_address,
)

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answer each request on each connection with the next of the given bytes.

    None closes the connection, as does what ends in no whole answer.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def run(connections: list[list[bytes | None]]) -> None:
        with suppress(OSError):  # the client, or the test, may be done before
            for answers in connections:
                connection, _ = listener.accept()
                with connection:
                    for answer in answers:
                        if answer is None or not connection.recv(1000):
                            break
                        connection.sendall(answer)

    def start(*connections: list[bytes | None]) -> str:
        thread = threading.Thread(target=run, args=(list(connections),), daemon=True)
        thread.start()
        threads.append(thread)
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.close()
    for thread in threads:
        thread.join(5)


def blocking(address: str, count: int = 1) -> list[Response]:
    connection = Connection(address)
    try:
        found = [connection.request(REQUEST) for _ in range(count)]
    finally:
        connection.close()
    return [response for response in found if response is not None]


def on_a_loop(address: str, count: int = 1) -> list[Response]:
    async def fetch() -> list[Response]:
        connection = AsyncConnection(address)
        try:
            return [await connection.request(REQUEST) for _ in range(count)]
        finally:
            connection.close()

    return asyncio.run(fetch())


BOTH = pytest.mark.parametrize("fetch", [blocking, on_a_loop])
Fetch = Callable[..., list[Response]]


@BOTH
@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 200_000, 200, b"x" * 200_000),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, b""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA;x=y\r\n0123456789\r\n"
            b"1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n",
            200,
            b"0123456789x",
        ),
    ],
)
def test_what_is_read(serve: Serve, fetch: Fetch, answer: bytes, status: int, body: bytes) -> None:
    (response,) = fetch(serve([answer]))
    assert (response.status, bytes(response.body)) == (status, body)


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 okay\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsize\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD + 100_000),
    ],
)
def test_what_is_not_http(serve: Serve, fetch: Fetch, answer: bytes) -> None:
    with pytest.raises(ProtocolError):
        fetch(serve([answer]))


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_ends_too_early(serve: Serve, fetch: Fetch, answer: bytes) -> None:
    with pytest.raises(ConnectionLost):
        fetch(serve([answer]))


@BOTH
def test_one_connection_serves_many_requests(serve: Serve, fetch: Fetch) -> None:
    assert [response.body for response in fetch(serve([OK, OK, OK]), 3)] == [b"ok"] * 3


@BOTH
@pytest.mark.parametrize("last", [None, OK.replace(b"OK\r\n", b"OK\r\nConnection: Close\r\n")])
def test_a_connection_that_was_closed_is_made_anew(
    serve: Serve, fetch: Fetch, last: bytes | None
) -> None:
    address = serve([OK, last], [OK, OK])
    assert len(fetch(address, 3)) == 3


@BOTH
@pytest.mark.parametrize("begun", [b"HTTP/1.1 20", OK[:-2], OK[:-1]])
def test_what_was_begun_to_be_answered_is_not_sent_again(
    serve: Serve, fetch: Fetch, begun: bytes
) -> None:
    with pytest.raises(ConnectionLost):
        fetch(serve([OK, begun], [OK]), 2)


@BOTH
def test_nobody_there_is_an_error(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ConnectionRefusedError):
        fetch(address)


@BOTH
def test_a_host_may_be_named(serve: Serve, fetch: Fetch) -> None:
    port = serve([OK]).rpartition(":")[2]
    assert fetch(f"localhost:{port}")[0].status == 200


def test_a_host_of_several_addresses_is_tried_at_each(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(serve([OK]).rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    targets = [(socket.AF_INET, 0, 0, "", ("127.0.0.1", it)) for it in (nobody, port)]
    monkeypatch.setattr("warmstart.runtime.connection.getaddrinfo", lambda *_: targets)
    assert blocking("somewhere:1")[0].body == b"ok"


def test_waiting_may_be_given_up(serve: Serve) -> None:
    connection = Connection(serve([None]))
    assert connection.request(REQUEST, lambda descriptor: descriptor < 0) is None
    assert not connection.is_open


def test_nothing_can_be_sent_on_what_is_closed() -> None:
    connection = Connection("127.0.0.1:1")
    assert connection.has_input()
    with pytest.raises(ConnectionLost):
        connection.send_nowait(memoryview(b"x"))
    connection.close()


def test_a_full_socket_takes_nothing_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(f"127.0.0.1:{listener.getsockname()[1]}")
        connection.connect()
        data = memoryview(bytes(1_000_000))
        while connection.send_nowait(data):
            pass
        assert connection.send_nowait(data) == 0
        connection.close()


async def test_a_closed_connection_can_be_closed_again() -> None:
    connection = AsyncConnection("127.0.0.1:1")
    await connection.refresh()
    connection.close()


async def test_refreshing_forgets_what_the_service_has_closed(serve: Serve) -> None:
    connection = AsyncConnection(serve([OK], [OK]))
    await connection.request(REQUEST)
    streams = connection._streams
    assert streams is not None
    await streams[0].read()  # the end
    await connection.refresh()
    assert connection._streams is None
    assert (await connection.request(REQUEST)).body == b"ok"
    connection.close()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:9001", ("127.0.0.1", 9001)),
        ("[::1]:9001", ("::1", 9001)),
        ("localhost", ("localhost", 80)),
    ],
)
def test_an_address_is_host_and_port(address: str, expected: tuple[str, int]) -> None:
    assert split_address(address) == expected
