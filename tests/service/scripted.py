"""A driver whose runtimes are played by the test, over real connections."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from warmstart.service.environments.driver import Places, Running
from warmstart.service.function import Function
from warmstart.service.service import Service
from warmstart.service.telemetry import Event

ROOT = "/2018-06-01/runtime"
NEXT = f"{ROOT}/invocation/next"
Kind = TypeVar("Kind", bound=Event)
STREAMING = {"Lambda-Runtime-Function-Response-Mode": "streaming"}


@dataclass
class Answer:
    """What the Runtime API answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        return self.headers["lambda-runtime-aws-request-id"]

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection of a runtime."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.writer.close()

    def send(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> None:
        """Send a request; one without a body has no Content-Length either."""
        lines = [f"{method} {path} HTTP/1.1", "Host: x"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + (body or b""))

    def begin_stream(self, request_id: str, headers: Mapping[str, str] = {}) -> None:
        chunked = {"Transfer-Encoding": "chunked"}
        path = f"{ROOT}/invocation/{request_id}/response"
        self.send("POST", path, STREAMING | chunked | dict(headers))

    async def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.writer.drain()

    def end_stream(self, trailers: Mapping[str, str] = {}) -> None:
        lines = [f"{name}: {value}\r\n" for name, value in trailers.items()]
        self.writer.write(f"0\r\n{''.join(lines)}\r\n".encode())

    async def answer(self) -> Answer:
        status = int((await self.reader.readline()).split()[1])
        headers = {}
        while (line := (await self.reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(status, headers, body)

    async def call(
        self, method: str, path: str, headers: Mapping[str, str] = {}, body: bytes | None = None
    ) -> Answer:
        self.send(method, path, headers, body)
        return await self.answer()

    async def next(self) -> Answer:
        return await self.call("GET", NEXT)

    async def post(
        self, request_id: str, what: str, body: bytes, headers: Mapping[str, str] = {}
    ) -> Answer:
        return await self.call("POST", f"{ROOT}/invocation/{request_id}/{what}", headers, body)


class Played:
    """A runtime that the test plays: what the driver started."""

    pid = 0

    def __init__(
        self,
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self.variables = variables
        self.output = on_output
        self._on_exit = on_exit
        self.returncode: int | None = None
        self.exited = asyncio.Event()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        host, port = self.variables["AWS_LAMBDA_RUNTIME_API"].split(":")
        async with Client(*await asyncio.open_connection(host, int(port))) as client:
            yield client

    def exit(self, returncode: int) -> None:
        """End the process."""
        if self.returncode is None:
            self.returncode = returncode
            self.exited.set()
            asyncio.get_running_loop().call_soon(self._on_exit, returncode)

    def stop(self, grace: float) -> None:
        self.exit(-15)

    def kill(self) -> None:
        self.exit(-9)

    async def wait_closed(self) -> None:
        await self.exited.wait()


class PlayedEnclosure:
    """Has nothing in it."""

    listener = None

    def __init__(self, function: Function, started: asyncio.Queue[Played]) -> None:
        layers = function.layers_directory
        self.layers = None if layers is None else Path(layers)
        self.places = Places(function.task_root, None, function.task_root)
        self.frozen = False
        self._started = started

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Running:
        played = Played(variables, on_output, on_exit)
        self._started.put_nowait(played)
        return played

    @staticmethod
    def connection() -> socket.socket:
        return socket.socket()

    def drain(self) -> None:
        pass

    def freeze(self) -> None:
        self.frozen = True

    def thaw(self) -> None:
        self.frozen = False

    def peak_memory(self) -> int | None:
        return 64 * 2**20 - 1

    def out_of_memory(self) -> bool:
        return False

    async def close(self) -> None:
        pass


class PlayedDriver:
    """Starts nothing but the test's own play."""

    def __init__(self) -> None:
        self._started: asyncio.Queue[Played] = asyncio.Queue()

    async def open(self, function: Function, environment_id: str) -> PlayedEnclosure:
        return PlayedEnclosure(function, self._started)

    async def started(self) -> Played:
        """The next runtime that the service starts."""
        return await self._started.get()

    @property
    def waiting(self) -> int:
        """How many were started and not yet taken."""
        return self._started.qsize()


class Observed:
    """An observer that tests can wait on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._came = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._came.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The events of a kind until now."""
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for(self, kind: type[Kind], count: int = 1) -> Kind:
        """Wait until there are `count` events of a kind, and return the last of them."""
        while len(found := self.of(kind)) < count:
            self._came.clear()
            await self._came.wait()
        return found[count - 1]


@dataclass
class Stage:
    """A service with one function, `f`, and a driver that the test plays."""

    service: Service
    driver: PlayedDriver
    observed: Observed

    def of(self, kind: type[Kind]) -> list[Kind]:
        return self.observed.of(kind)

    async def wait_for(self, kind: type[Kind], count: int = 1) -> Kind:
        return await self.observed.wait_for(kind, count)


FUNCTION = Function(name="f", handler="app.handler", task_root="/", timeout=30.0)


@asynccontextmanager
async def stage(function: Function = FUNCTION, **settings: Any) -> AsyncIterator[Stage]:
    driver = PlayedDriver()
    observed = Observed()
    async with Service(observed, driver=driver, **settings) as service:
        await service.create_function(function)
        yield Stage(service, driver, observed)
