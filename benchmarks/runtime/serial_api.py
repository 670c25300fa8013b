"""A Runtime API for one runtime, as lean as Python allows: what is measured is the other side."""

from __future__ import annotations

import socket
import time

__all__ = ["SerialAPI"]

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
    b'Content-Length: 16\r\n\r\n{"status":"OK"}\n'
)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
    b"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1\r\n"
)


class SerialAPI:
    """Listens on `address`; `wait_poll` and `serve` do the work in the caller's thread."""

    def __init__(self, event: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answer = b"%bContent-Length: %d\r\n\r\n%b" % (_HEAD, len(event), event)
        self._post_length = 0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_poll(self) -> float:
        """Wait until the runtime asks for work, and return when that was."""
        while True:
            self._connection, _ = self._listener.accept()
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if b"/invocation/next" in self._connection.recv(65536):
                return time.perf_counter()
            self._connection.sendall(_NOT_FOUND)  # the Extensions API

    def serve(self, count: int) -> float:
        """Let `count` invocations run and return how many seconds they took.

        It begins and ends with the runtime waiting for work. All posts of a
        runtime to these invocations, which are the same, have the same length.
        """
        receive, send, answer = self._connection.recv, self._connection.send, self._answer
        if not self._post_length:
            self._post_length = self._serve_first()
            count -= 1
        length = self._post_length
        started = time.perf_counter()
        for _ in range(count):
            send(answer)
            received = len(receive(65536))
            while received < length:
                received += len(receive(65536))
            send(_ACCEPTED)
            receive(65536)
        return time.perf_counter() - started

    def _serve_first(self) -> int:
        """Let one invocation run and return the length of its post."""
        self._connection.send(self._answer)
        post = self._connection.recv(65536)
        while not _is_whole(post):
            post += self._connection.recv(65536)
        self._connection.send(_ACCEPTED)
        self._connection.recv(65536)
        return len(post)

    def close(self) -> None:
        self._connection.close()
        self._listener.close()


def _is_whole(post: bytes) -> bool:
    head, end, body = post.partition(b"\r\n\r\n")
    at = head.lower().find(b"content-length:")
    return bool(end) and len(body) >= int(head[at + 15 :].partition(b"\r\n")[0])
