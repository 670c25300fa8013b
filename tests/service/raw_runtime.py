"""A runtime client in a few lines, on a raw socket, to drive the service with.

Its one argument names the handler below that answers. It is a program of its
own so that the service meets a real process, and one whose every byte the
tests decide.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

ROOT = "/2018-06-01/runtime"


class Connection:
    """One kept-alive connection to the Runtime API."""

    def __init__(self) -> None:
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, head: str, body: bytes = b"") -> None:
        length = f"Content-Length: {len(body)}\r\n" if head.startswith("POST") else ""
        self.socket.sendall(f"{head}\r\nHost: x\r\n{length}\r\n".encode() + body)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers["content-length"])
        while len(self.buffer) < length:
            self._more()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return int(status.split()[1]), headers, body

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            sys.exit(70)
        self.buffer += data

    def call(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
        self.send(f"{head} HTTP/1.1", body)
        return self.receive()


Handler = Callable[[Connection, str, bytes], None]


def respond(connection: Connection, request_id: str, body: bytes) -> None:
    connection.call(f"POST {ROOT}/invocation/{request_id}/response", body)


def echo(connection: Connection, request_id: str, event: bytes) -> None:
    respond(connection, request_id, event)


HANDLERS: dict[str, Handler] = {"echo": echo}


def loop(handler: Handler) -> None:
    connection = Connection()
    while True:
        status, headers, event = connection.call(f"GET {ROOT}/invocation/next")
        if status != 200:
            sys.exit(71)
        handler(connection, headers["lambda-runtime-aws-request-id"], event)


if __name__ == "__main__":
    loop(HANDLERS[sys.argv[1]])
