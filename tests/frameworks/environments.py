"""Where a framework's app runs: behind a front door, or under uvicorn, which is the judge.

    environment = Environment(load("starlette"), door)
    environment.send("GET", "/items/1")

Both kinds of environment have the same methods, so that one suite asks both.
What a framework cannot do under uvicorn either is no fault of the adapter's.
"""

from __future__ import annotations

import http.client
import importlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

import uvicorn
from django.conf import empty, settings

from tests.frameworks.doors import HOST, Door, http_request
from tests.frameworks.exchanges import RecordingExchange
from warmstart.adapter import ASGIHandler
from warmstart.events.http import Headers, HTTPResponse

__all__ = ["Environment", "Lambda", "Uvicorn", "django_project", "load"]


def load(name: str) -> ModuleType:
    """The module of an app, as new: each environment imports it for itself.

    A Django project is one a process, and has no lifespan that would tell.
    """
    module = f"tests.frameworks.apps.{name}"
    if "django" not in name:
        sys.modules.pop(module, None)
    return importlib.import_module(module)


_projects: dict[str, Any] = {}


@contextmanager
def django_project(name: str) -> Iterator[None]:
    """Give a Django project its own settings for a while: Django keeps one set a process."""
    others, settings._wrapped = settings._wrapped, _projects.get(name, empty)
    try:
        yield
    finally:
        _projects[name], settings._wrapped = settings._wrapped, others


class Environment(Protocol):
    """A running app at the address `public`.

    `send` is one request of a client, for a path under that address, and what the
    client gets.
    """

    public: str
    repeats: bool
    keeps_length: bool

    def send(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b""
    ) -> HTTPResponse: ...

    def stop(self) -> None: ...


class Lambda:
    """An execution environment behind a front door, under a runtime that returns answers."""

    def __init__(self, app: Any, door: Door, **options: Any) -> None:
        self.door = door
        self.public, self.repeats = door.public, door.repeats
        self.keeps_length = door.keeps_length
        self._handler = ASGIHandler(app, base_path=door.base_path, **options)

    def event(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b""
    ) -> Any:
        door = self.door
        request = http_request(
            method, door.prefix + target, headers, body, host=door.host, scheme=door.scheme
        )
        return json.loads(json.dumps(door.build(request)))

    def send(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b""
    ) -> HTTPResponse:
        result = self._handler(self.event(method, target, headers, body), None)
        return self.door.decode(json.loads(json.dumps(result)))

    def exchange(self, exchange: RecordingExchange, *request: Any) -> None:
        """Serve a request under a runtime that passes an exchange."""
        self._handler.serve_invocation(self.event(*request), None, exchange)

    def stop(self) -> None:
        self._handler.stop_environment()


class Uvicorn:
    """The app under uvicorn, in a thread, as behind a proxy for HTTPS that cuts off `prefix`."""

    repeats = True
    keeps_length = True

    def __init__(self, app: Any, prefix: str = "") -> None:
        self.public = f"https://{HOST}{prefix}"
        self._socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, log_config=None, access_log=False, ws="none", root_path=prefix, http="h11"
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))
        self._thread.start()
        self._server.ready.wait()

    def send(
        self, method: str, target: str, headers: Headers | None = None, body: bytes = b""
    ) -> HTTPResponse:
        request = http_request(method, target, headers, body)
        request.headers.append((b"x-forwarded-proto", b"https"))
        _, port = self._socket.getsockname()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                connection.putheader(name.decode("latin-1"), value)
            connection.endheaders(body)
            answer = connection.getresponse()
            pairs = [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in answer.getheaders()
            ]
            return HTTPResponse(answer.status, pairs, answer.read())
        finally:
            connection.close()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class _Server(uvicorn.Server):
    """Tells when it is ready, and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()
