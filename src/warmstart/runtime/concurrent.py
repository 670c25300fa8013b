"""Multi-concurrent mode: an environment that serves many invocations at a time.

Lambda says how many in `AWS_LAMBDA_MAX_CONCURRENCY`, and takes as many `next`
calls at once. AWS's client starts a process for each. Here one event loop holds
them all, so waiting invocations cost a coroutine each, or a thread if their
handler is a plain `def`. Where there is more than one vCPU there is a process
for each, see `pool.py`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from warmstart.runtime.async_connection import AsyncConnection
from warmstart.runtime.calls import Calls, Invocation, RuntimeAPIError
from warmstart.runtime.client import RuntimeClient
from warmstart.runtime.concurrent_exchange import ConcurrentExchange
from warmstart.runtime.connection import ProtocolError, Response
from warmstart.runtime.context import FunctionFacts, LambdaContext
from warmstart.runtime.extension import register
from warmstart.runtime.handlers import find_handler
from warmstart.runtime.logs import arrange_logging, unbuffer
from warmstart.runtime.loop import Unanswered
from warmstart.runtime.marshaller import marshaller
from warmstart.runtime.pool import WorkerPool
from warmstart.runtime.reports import Reporter
from warmstart.runtime.trace import ConcurrentLogOutput, trace_environ, trace_id

__all__ = ["ConcurrentEnvironment", "share_out"]

_RETRIES = 4
_FIRST_DELAY = 0.1  # seconds; doubled each time, as AWS's client does


class ConcurrentEnvironment:
    """This process, and those it forks, as one environment for `concurrency` invocations at once.

    The other arguments are those of `Environment`. `workers` is the number of processes.
    """

    def __init__(
        self,
        address: str,
        name: str,
        adapt: Callable[[Any], Any],
        *,
        concurrency: int,
        workers: int,
    ) -> None:
        self._address = address
        self._name = name
        self._adapt = adapt
        self._shares = share_out(concurrency, workers)
        self._output = ConcurrentLogOutput(os.environ)
        self._loop_factory = _loop_factory()  # imported here, before the processes divide
        self._reporter = Reporter(Calls(address), self._output)

    def run(self) -> int:
        """Live, and return the process's exit code."""
        unbuffer()
        trace_environ()
        arrange_logging(self._output)
        try:
            self._handler = find_handler(self._name, self._adapt)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the function raises while it loads
            self._reporter.post_init_error(RuntimeClient(self._address), error)
            return 1
        extension = register(self._address)
        gc.freeze()
        try:
            if len(self._shares) == 1:
                return self._work(self._shares[0], lambda: None)
            return WorkerPool(self._work_in_child, self._shares, self._warn).run()
        finally:
            if extension is not None:
                extension.close()

    def _work_in_child(self, share: int, ready: Callable[[], None]) -> int:
        provider = os.environ.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET")
        if provider:
            _redirect_output(provider)
        return self._work(share, ready)

    def _work(self, share: int, ready: Callable[[], None]) -> int:
        worker = Worker(self._address, self._handler, share, self._reporter)
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            return runner.run(worker.run(ready))

    def _warn(self, message: str) -> None:
        self._output.notice("WARNING", message)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed; None for asyncio's own."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


class Worker:
    """One process's part: an event loop with `share` invocations at once."""

    def __init__(self, address: str, handler: Any, share: int, reporter: Reporter) -> None:
        self._address = address
        self._handler = handler
        self._share = share
        self._reporter = reporter
        self._calls = Calls(address)
        self._facts = FunctionFacts()
        self._streaming = os.environ.get("WARMSTART_INVOKE_MODE") == "RESPONSE_STREAM"
        self._stopping = False
        self._idle: set[asyncio.Task[None]] = set()

    async def run(self, ready: Callable[[], None]) -> int:
        """Serve until SIGTERM; return the exit code."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(self._share))
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        try:
            await self._handler.start()
        except Exception as error:  # noqa: BLE001 - the app's lifespan may raise anything
            self._reporter.post_init_error(RuntimeClient(self._address), error)
            return 1
        ready()
        try:
            async with asyncio.TaskGroup() as slots:
                for _ in range(self._share):
                    slots.create_task(self._serve())
        except* (RuntimeAPIError, OSError, ProtocolError) as errors:
            reason = errors.exceptions[0]
            self._reporter.output.notice("CRITICAL", f"There will be no more invocations. {reason}")
            return_code = 1
        else:
            return_code = 0
        finally:
            await self._handler.stop()
        return return_code

    def _stop(self) -> None:
        self._stopping = True
        for task in self._idle:
            task.cancel()

    async def _serve(self) -> None:
        """One of the invocations at a time, on a connection of its own."""
        connection = AsyncConnection(self._address)
        try:
            while not self._stopping:
                invocation = await self._next(connection)
                if invocation is None:
                    break
                await self._serve_one(connection, invocation)
        finally:
            connection.close()

    async def _next(self, connection: AsyncConnection) -> Invocation | None:
        task = asyncio.current_task()
        assert task is not None
        self._idle.add(task)
        try:
            response = await self._ask(connection)
        except asyncio.CancelledError:
            if self._stopping and task.uncancel() == 0:
                return None
            raise
        finally:
            self._idle.discard(task)
        return Invocation(response)

    async def _ask(self, connection: AsyncConnection) -> Response:
        delay = _FIRST_DELAY
        for _ in range(_RETRIES):
            try:
                return await self._ask_once(connection)
            except RuntimeAPIError as error:
                if error.status < 500:
                    raise
            except (OSError, ProtocolError):
                pass
            await asyncio.sleep(delay)
            delay *= 2
        return await self._ask_once(connection)

    async def _ask_once(self, connection: AsyncConnection) -> Response:
        response = await connection.request(self._calls.next)
        if response.status != 200:
            raise RuntimeAPIError("next", response)
        return response

    async def _serve_one(self, connection: AsyncConnection, invocation: Invocation) -> None:
        output = self._reporter.output
        output.scope = (invocation.request_id, invocation.tenant_id)
        trace_id.set(invocation.trace_id)
        exchange = ConcurrentExchange(
            connection, self._calls, self._reporter, invocation, streaming=self._streaming
        )
        try:
            context = LambdaContext(invocation, self._facts, output.write)
            event = marshaller().unmarshal_request(invocation.body, invocation.content_type)
            await self._handler.serve(event, context, exchange)
            if not exchange.answered:
                raise Unanswered("The handler returned without an answer.")
            await exchange.finish()  # as in one-at-a-time mode: nothing may be left unread
        except BaseException as error:
            await exchange.fail(error)
            if isinstance(error, KeyboardInterrupt):
                raise


def share_out(concurrency: int, workers: int) -> list[int]:
    """How many invocations each worker takes; there are no idle ones."""
    workers = max(1, min(workers, concurrency))
    each, more = divmod(concurrency, workers)
    return [each + (number < more) for number in range(workers)]


def _redirect_output(path: str) -> None:
    """Send standard output and error where Lambda collects them of forked workers."""
    import socket
    import sys

    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as provider:
            provider.connect(path)
            os.dup2(provider.fileno(), stream.fileno())
