"""The runtimes of one environment, one after the other, in one enclosure, at one endpoint.

`run` starts a runtime whenever the environment is in a state that needs one, and
waits until nothing of it is left. A runtime that is dismissed (`dismiss`) is
killed; what it says or does from then on changes nothing any more, and the next
one is started once the environment has an invocation for it.
"""

from __future__ import annotations

import asyncio
import math
import signal
from typing import Protocol

from warmstart.service import errors
from warmstart.service.clock import Clock
from warmstart.service.endpoints.endpoint import Application, Endpoint
from warmstart.service.environments.driver import Driver, Enclosure, Places, Running
from warmstart.service.environments.entrypoint import NoBootstrap, entrypoint
from warmstart.service.environments.environment import Environment, State
from warmstart.service.errors import Fault
from warmstart.service.function import Function

__all__ = ["Supervised", "Supervisor"]

MEMORY_INTERVAL = 0.5
"""Seconds between two readings of the peak memory, each of which costs some 300 µs."""

FREEZE_DELAY = 0.005
"""Seconds without work after which an environment is frozen.

To freeze and thaw one that gets its next invocation at once costs it and us some 20 µs.
"""

LONG = 0.05
"""Seconds after which an invocation is worth a reading of its own."""


class Supervised(Protocol):
    """The sandbox, as its supervisor sees it."""

    function: Function
    environment: Environment

    def starting(self) -> None:
        """A runtime is about to be started."""
        ...

    def variables(self, places: Places, runtime_api: str) -> dict[str, str]:
        """The environment variables of its runtime."""
        ...

    def output(self, line: str) -> None:
        """The runtime has written a line."""
        ...

    def exited(self, returncode: int | None, fault: Fault) -> None:
        """The runtime is gone, or could not be started (`None`); `fault` says why."""
        ...

    def disconnected(self) -> None:
        """Nothing of the runtime is left."""
        ...

    def stopped(self) -> None:
        """SHUTDOWN began when there was no runtime."""
        ...


class Supervisor:
    """Starts and ends the runtimes of `sandbox`.

    `occupied` tells whether there is one, or traces of one. `memory` is the most
    that the environment has had so far, in MB, as it was last read.
    """

    def __init__(self, sandbox: Supervised, driver: Driver, clock: Clock) -> None:
        self._sandbox = sandbox
        self._driver = driver
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._needed = asyncio.Event()
        self._enclosure: Enclosure | None = None
        self._running: Running | None = None
        self.occupied = False
        self.dismissed = False
        self._fault: Fault | None = None
        self.memory: int | None = None
        self._memory_read = -math.inf
        self._idle_since: float | None = None
        self._freezer: asyncio.TimerHandle | None = None
        self._frozen = False

    async def run(self, api: Application) -> None:
        """Serve the environment, whose runtimes talk to `api`, until it has exited."""
        function, environment = self._sandbox.function, self._sandbox.environment
        enclosure = await self._driver.open(function, environment.id)
        self._enclosure = enclosure
        try:
            endpoint = await Endpoint.open(api, enclosure.listener)
            try:
                await self._run(enclosure, endpoint)
            finally:
                if self._freezer is not None:
                    self._freezer.cancel()
                await endpoint.close()
        finally:
            await enclosure.close()

    async def _run(self, enclosure: Enclosure, endpoint: Endpoint) -> None:
        environment = self._sandbox.environment
        while environment.state is not State.EXITED:
            if environment.state is State.RESET:
                self._needed.clear()
                await self._needed.wait()
            elif environment.state is State.SHUTDOWN:
                self._sandbox.stopped()
            else:
                await self._run_runtime(enclosure, endpoint)

    async def _run_runtime(self, enclosure: Enclosure, endpoint: Endpoint) -> None:
        self.occupied = True
        self.dismissed = False
        self._fault = None
        self._sandbox.starting()
        fault = await self._start(enclosure, endpoint.address)
        if fault is not None:
            self._sandbox.exited(None, fault)
        elif self._running is not None:
            if self.dismissed or self._sandbox.environment.state is State.SHUTDOWN:
                self._running.kill()
            await self._running.wait_closed()
            self._running = None
        await endpoint.disconnect()
        self._sandbox.disconnected()
        self.occupied = False

    async def _start(self, enclosure: Enclosure, runtime_api: str) -> Fault | None:
        """Start the runtime; what was wrong, if it cannot be started."""
        sandbox = self._sandbox
        try:
            arguments = entrypoint(sandbox.function, enclosure.places)
        except NoBootstrap:
            return errors.no_bootstrap()
        variables = sandbox.variables(enclosure.places, runtime_api)
        try:
            self._running = await enclosure.start(
                arguments, variables, sandbox.output, self._exited
            )
        except OSError as error:
            return errors.unstartable(arguments[0], enclosure.places.working_directory, error)
        return None

    def _exited(self, returncode: int) -> None:
        self._idle_since = None
        self._frozen = False
        self._sandbox.exited(returncode, self._cause(returncode))

    def _cause(self, returncode: int) -> Fault:
        if returncode == -signal.SIGKILL:
            if self._enclosure is not None and self._enclosure.out_of_memory():
                self.memory = self._sandbox.function.memory_size
                return errors.out_of_memory()
            if self._fault is not None:
                return self._fault
        return errors.exited(returncode)

    # What the sandbox wants

    def wake(self) -> None:
        """The environment has moved, and may need a runtime, or no more."""
        self._needed.set()

    def dismiss(self) -> None:
        """End the runtime, which is of no use any more."""
        self.dismissed = True
        self.kill()

    def kill(self, fault: Fault | None = None) -> None:
        """End the runtime at once; `fault` is why."""
        self._idle_since = None
        self._fault = fault or self._fault
        if self._running is not None:
            self._running.kill()

    def stop(self, grace: float) -> None:
        """Let the runtime end by itself, for `grace` seconds."""
        self.thaw()
        if self._running is not None:
            self._running.stop(grace)

    def drain(self) -> None:
        """Report what the runtime has written until now."""
        if self._running is not None:
            self._running.drain()

    def freeze(self) -> None:
        """Let nothing in the environment run until `thaw`, unless that comes at once."""
        self._idle_since = self._clock.monotonic()
        if self._freezer is None:
            self._freezer = self._loop.call_later(FREEZE_DELAY, self._freeze)

    def _freeze(self) -> None:
        self._freezer = None
        if self._idle_since is None or self._enclosure is None:
            return
        left = self._idle_since + FREEZE_DELAY - self._clock.monotonic()
        if left > 0:
            self._freezer = self._loop.call_later(left, self._freeze)
        else:
            self._enclosure.freeze()
            self._frozen = True

    def thaw(self) -> None:
        """Let everything run."""
        self._idle_since = None
        if self._frozen and self._enclosure is not None:
            self._enclosure.thaw()
        self._frozen = False

    def max_memory_used(self, since: float) -> int | None:
        """The most memory that the environment has had, in MB, up to something begun at `since`."""
        now = self._clock.monotonic()
        due = now - since >= LONG or now - self._memory_read >= MEMORY_INTERVAL
        if self._enclosure is not None and due:
            self._memory_read = now
            peak = self._enclosure.peak_memory()
            if peak is not None:
                size = min(math.ceil(peak / 2**20), self._sandbox.function.memory_size)
                self.memory = max(size, self.memory or 0)
        return self.memory
