"""Hears from functions what they have done, whatever becomes of the service they run in."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

NOTES = """
import socket
def handler(event, context):
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall(event["id"].encode())
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)  # it is written down
    return event["id"]
"""
"""A function that tells the recorder at that port the `id` of its event."""


class Recorder:
    """How often each id was heard.

    A call tells one or, in lines, several. Who calls before it is `open` is kept waiting, and
    not heard.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: Counter[str] = Counter()
        self.open = threading.Event()

    def wait_for(self, ids: set[str], seconds: float) -> None:
        """Return when all have been heard."""
        deadline = time.monotonic() + seconds
        while missing := ids - self.heard.keys():
            assert time.monotonic() < deadline, f"{len(missing)} of {len(ids)} were never heard"
            time.sleep(0.05)

    def wait_for_some(self, count: int, seconds: float) -> None:
        """Return when so many different ones have been heard."""
        deadline = time.monotonic() + seconds
        while len(self.heard) < count:
            assert time.monotonic() < deadline, f"only {len(self.heard)} of {count} were heard"
            time.sleep(0.02)


@contextmanager
def recording(*, opened: bool = True) -> Iterator[Recorder]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if recorder.open.is_set():
                recorder.heard.update(self.rfile.read().decode().splitlines())
            recorder.open.wait()

    class Server(socketserver.TCPServer):
        request_queue_size = 1024

    with Server(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(server.server_address[1])
        if opened:
            recorder.open.set()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield recorder
        finally:
            recorder.open.set()
            server.shutdown()
            thread.join()
