"""Real servers for whole-chain tests: an app under bare uvicorn, and behind the chain.

Each runs in a thread of its own with its own event loop; the chain's
environments are processes, as always.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from warmstart.gateways.function_url import FunctionURL, InvokeMode
from warmstart.service.endpoints.endpoint import OneWriteProtocol
from warmstart.service.environments.driver import Driver
from warmstart.service.function import Function
from warmstart.service.limits import Limits
from warmstart.service.service import Service
from warmstart.service.telemetry import Event

T = TypeVar("T")

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Response:
    """What a client got, headers as pairs in order with lower-case names."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


def request(
    port: int,
    method: str = "GET",
    target: str = "/",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes | None = None,
    *,
    timeout: float = 20,
) -> Response:
    """Send one request just as it is given, with `host` and nothing else added."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        if not any(name.lower() == "host" for name, _ in headers):
            connection.putheader("host", f"127.0.0.1:{port}")
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        pairs = [(name.lower(), value) for name, value in answer.getheaders()]
        return Response(answer.status, pairs, answer.read())
    finally:
        connection.close()


class ServerThread:
    """An event loop in a thread, with an HTTP server on it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[tuple[uvicorn.Server, Any]] = []

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = 60) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def serve(self, app: Any, **options: Any) -> int:
        """Serve an ASGI app with uvicorn; the port."""
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", **options
        )
        server = uvicorn.Server(config)
        server.capture_signals = _no_signals  # type: ignore[method-assign]
        done = asyncio.run_coroutine_threadsafe(server.serve(sockets=[listener]), self.loop)
        self._servers.append((server, done))
        return int(listener.getsockname()[1])

    def close(self) -> None:
        for server, done in self._servers:
            server.should_exit = True
            done.result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(30)
        self.loop.close()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


@contextmanager
def bare_uvicorn(app: Any) -> Iterator[int]:
    """The app under uvicorn alone; its port."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    thread = ServerThread()
    try:
        yield thread.serve(app)
    finally:
        thread.close()


@dataclass(frozen=True, slots=True)
class Chain:
    """A function behind a Function URL: its port, and the service to look into."""

    port: int
    service: Service
    function: Function
    events: list[Event]
    run: Callable[..., Any]


@contextmanager
def chain(
    handler: str,
    *,
    mode: InvokeMode = InvokeMode.AUTO,
    task_root: Path = HERE,
    concurrency: int = 10,
    driver: Driver | None = None,
    **settings: Any,
) -> Iterator[Chain]:
    """`handler` of a file in `task_root` behind the whole chain; in processes, or by `driver`."""
    environment = (
        {} if mode is InvokeMode.BUFFERED else {"WARMSTART_INVOKE_MODE": "RESPONSE_STREAM"}
    )
    environment |= settings.pop("environment", {})
    function = Function(
        name="app",
        handler=handler,
        task_root=str(task_root),
        environment=environment,
        # The mirror's answer to a large body is several times as large.
        **{"timeout": 10.0, "memory_size": 1024, **settings},
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    thread = ServerThread()
    events: list[Event] = []
    limits = Limits(concurrency=concurrency)
    service = Service(events.append, limits=limits, driver=driver)
    try:
        thread.run(service.create_function(function))
        port = thread.serve(
            FunctionURL(service, "app", mode=mode), http=OneWriteProtocol, server_header=False
        )
        yield Chain(port, service, function, events, thread.run)
    finally:
        thread.run(service.aclose())
        thread.close()
