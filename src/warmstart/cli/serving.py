"""What the commands that serve HTTP have in common: a socket, a loop, a server, a way to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import click
import uvicorn

from warmstart.service.endpoints.endpoint import Application, OneWriteProtocol

__all__ = ["HTTPServer", "address", "listen", "on_interrupt", "run"]

_SHUTDOWN_SECONDS = 5


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `click.UsageError` if there can be none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise click.UsageError(
            f"Cannot listen on {host}:{port}: {_reason(error)}. Choose another --port or --host."
        ) from None


def _reason(error: OSError) -> str:
    # socket.create_server adds the address to the text; an error of getaddrinfo has no number of
    # the system's.
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def run(coroutine: Coroutine[Any, Any, int]) -> int:
    """Run a command on uvloop where there is one; its exit code."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop
    except ImportError:  # not on Windows, and not required elsewhere
        pass
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coroutine)


def address(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def on_interrupt() -> asyncio.Future[None]:
    """A future that is done with the first Ctrl-C or SIGTERM.

    Further ones change nothing: what follows the first takes a bounded time, and
    cut short it would leave processes behind.
    """
    loop = asyncio.get_running_loop()
    interrupted: asyncio.Future[None] = loop.create_future()

    def interrupt() -> None:
        if not interrupted.done():
            interrupted.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    return interrupted


class HTTPServer(uvicorn.Server):
    """uvicorn in front of a gateway. Signals are the command's business, not its own."""

    def __init__(self, application: Application) -> None:
        # A response that is cut short on purpose is an error to uvicorn; the
        # gateway has told of it by then.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            application,
            http=OneWriteProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        super().__init__(config)
        self._stopped = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait to be stopped: uvicorn's own looks ten times a second whether it is."""
        while not await self.on_tick(0):  # which keeps the time that answers tell
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopped.wait()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    def stop(self) -> None:
        """Take no more requests, and return from `serve` when those in flight are answered."""
        self.should_exit = True
        self._stopped.set()
