"""A Runtime API whose every byte a test decides.

It listens on a raw socket, a thread for each connection, and records what it
is sent. `next` is answered with the events a test has put in line; how an event
is written, and how the post of its answer is answered, are functions of the
socket that each event may bring along.
"""

from __future__ import annotations

import itertools
import queue
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO
from weakref import WeakSet

__all__ = [
    "Event",
    "FakeRuntimeAPI",
    "Reply",
    "Request",
    "Write",
    "answer",
    "before_body",
    "chunked",
    "hang_up",
    "in_bits",
    "whole",
]

FAR_AWAY = 4_102_444_800_000  # 2100, in milliseconds
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
_WAIT = 20  # seconds after which a test has failed

Write = Callable[[socket.socket, bytes, bytes], None]
Reply = Callable[[socket.socket], None]


@dataclass
class Request:
    """What the runtime sent: `trailers` and `chunks` of a chunked body, `connection` by number."""

    method: str
    path: str
    headers: dict[str, str]
    connection: int
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def call(self) -> str:
        """`response`, `error`, `init/error`…: the path without what all have in common."""
        parts = self.path.removeprefix("/2018-06-01/runtime/").split("/")
        return parts[-1] if parts[0] == "invocation" else "/".join(parts)


def whole(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Write head and body at once, with a Content-Length."""
    connection.sendall(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))


def chunked(connection: socket.socket, head: bytes, body: bytes) -> None:
    """Write the body in chunks of 1,000 bytes, with an extension and a trailer."""
    connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(body), 1000):
        chunk = body[start : start + 1000]
        connection.sendall(b"%X;ext=1\r\n%b\r\n" % (len(chunk), chunk))
    connection.sendall(b"0\r\nX-Trailer: 1\r\n\r\n")


def in_bits(write: Write) -> Write:
    """Write byte by byte what `write` writes at once."""

    def write_in_bits(connection: socket.socket, head: bytes, body: bytes) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            write(ours, head, body)
            ours.shutdown(socket.SHUT_WR)
            while bit := theirs.recv(1):
                connection.sendall(bit)

    return write_in_bits


def answer(status: int, body: bytes = b'{"status":"OK"}\n') -> Reply:
    """Answer a post with this status."""
    head = b"HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n" % status
    return lambda connection: whole(connection, head, body)


ACCEPTED = answer(202)


@dataclass
class Event:
    """An invocation to come. `headers` are added to the usual ones or, if None, take one away."""

    body: bytes = b"{}"
    headers: dict[str, str | None] = field(default_factory=dict)
    write: Write = whole
    reply: Reply = ACCEPTED
    status: int = 200


class FakeRuntimeAPI:
    """Use as a context manager; `address` is what `AWS_LAMBDA_RUNTIME_API` is to be."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[Request] = []
        self.replies: dict[str, Reply] = {}
        self.connections = 0
        self._posts: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._polls: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._ids = itertools.count(1)
        self._running: dict[str, Event] = {}
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> FakeRuntimeAPI:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for _ in self._open:
            self._events.put(None)
        for open_one in self._open:
            hang_up(open_one)

    def put(self, *events: Event) -> None:
        """Put events in line."""
        for event in events:
            self._events.put(event)

    def wait_post(self) -> Request:
        """The next post of the runtime: an answer, an error, whatever."""
        return self._posts.get(timeout=_WAIT)

    def wait_poll(self) -> Request:
        """The next time the runtime asks for work."""
        return self._polls.get(timeout=_WAIT)

    def invoke(self, body: bytes = b"{}", **settings: object) -> Request:
        """Put one event in line and return the post that answers it."""
        self.put(Event(body, **settings))  # type: ignore[arg-type]
        return self.wait_post()

    def forget(self) -> None:
        """Hang up on whoever waits for work: the process has gone."""
        for connection in self._open:
            hang_up(connection)
            self._events.put(None)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            arguments = connection, self.connections
            threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                # What comes after a hang-up was sent in vain, and must take no event.
                while connection not in _HUNG_UP and (request := _read_head(stream, number)):
                    self._handle(request, connection, stream)
        except (OSError, ValueError):
            pass  # the runtime has gone, or a reply closed the connection

    def _handle(self, request: Request, connection: socket.socket, stream: BinaryIO) -> None:
        self.requests.append(request)
        if request.call == "next":
            self._polls.put(request)
            self._answer_next(connection)
            return
        reply = self.replies.get(request.call)
        if reply is None:
            event = self._running.get(request.path.split("/")[-2])
            reply = event.reply if event is not None else ACCEPTED
        early = getattr(reply, "before_body", False)
        if not early:
            _read_body(stream, request)
        self._posts.put(request)
        reply(connection)
        if early:
            connection.recv(1)  # and nothing more is understood on this connection
            hang_up(connection)

    def _answer_next(self, connection: socket.socket) -> None:
        event = self._events.get()
        if event is None:
            hang_up(connection)
            return
        request_id = f"id-{next(self._ids)}"
        self._running[request_id] = event
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(FAR_AWAY),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
            **event.headers,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        head = "\r\n".join([f"HTTP/1.1 {event.status} Whatever", *lines, ""])
        event.write(connection, head.encode(), event.body)


_HUNG_UP: WeakSet[socket.socket] = WeakSet()


def hang_up(connection: socket.socket) -> None:
    """Answer nothing: close the connection."""
    _HUNG_UP.add(connection)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def before_body(reply: Reply) -> Reply:
    """Give this reply as soon as the request's head has come."""

    def early(connection: socket.socket) -> None:
        reply(connection)

    early.before_body = True  # type: ignore[attr-defined]
    return early


def _read_head(stream: BinaryIO, number: int) -> Request | None:
    line = stream.readline().decode()
    if not line:
        return None
    method, path, _ = line.split()
    return Request(method, path, _read_headers(stream), number)


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _read_body(stream: BinaryIO, request: Request) -> None:
    if request.headers.get("transfer-encoding") == "chunked":
        while size := int(stream.readline(), 16):
            request.chunks.append(stream.read(size))
            stream.readline()
        request.trailers = _read_headers(stream)
        request.body = b"".join(request.chunks)
    elif "content-length" in request.headers:
        request.body = stream.read(int(request.headers["content-length"]))
