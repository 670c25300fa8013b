"""The runtimes of one environment, one after the other, in one enclosure, at one endpoint.

`run` starts a runtime whenever the environment is in a state that needs one, and
waits until nothing of it is left. What a runtime that is dismissed (`dismiss`)
says or does from then on changes nothing any more, and the next one is started
once the environment has an invocation for it.

External extensions are started before the runtime, which waits until they have
registered, and end after it. How much time there is for the end depends on them:
none without an extension, half a second for the runtime if there are only
internal ones, two seconds for all if there is an external one. Those that want to
know are told when the runtime is gone.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import asyncio
import math
import signal
import socket
from errno import ENOENT
from typing import Protocol

from warmstart.service import errors
from warmstart.service.clock import Clock
from warmstart.service.endpoints.endpoint import Application, Endpoint
from warmstart.service.environments.driver import Driver, Enclosure, Places, Running
from warmstart.service.environments.entrypoint import NoBootstrap, entrypoint
from warmstart.service.environments.environment import Environment, State
from warmstart.service.environments.extension import SHUTDOWN
from warmstart.service.environments.extensions import Extensions
from warmstart.service.environments.launch import Launcher
from warmstart.service.errors import Fault
from warmstart.service.function import Function
from warmstart.service.logs.subscribers import Subscribers

__all__ = ["Supervised", "Supervisor"]

MEMORY_INTERVAL = 0.5
"""Seconds between two readings of the peak memory, each of which costs some 300 µs."""

FREEZE_DELAY = 0.005
"""Seconds without work after which an environment is frozen.

To freeze and thaw one that gets its next invocation at once costs it and us some 20 µs.
"""

LONG = 0.05
"""Seconds after which an invocation is worth a reading of its own."""


GRACE = 2.0
"""Seconds from the beginning of the end to SIGKILL, if there is an external extension."""

RUNTIME_GRACE = 0.6
"""Seconds of it that the runtime may take: three tenths, as AWS's emulator has it."""

INTERNAL_GRACE = 0.5
"""Seconds that the runtime has if all extensions are internal."""


class Supervised(Protocol):
    """The sandbox, as its supervisor sees it."""

    function: Function
    environment: Environment
    extensions: Extensions
    telemetry: Subscribers

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

    def extension_output(self, name: str, line: str) -> None:
        """An external extension has written a line."""
        ...

    def extension_exited(self, fault: Fault) -> None:
        """An external extension is gone while the runtime is there; `fault` says why."""
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
        self._launcher = Launcher(sandbox, self._extension_exited)
        self._end_reason = "failure"
        self._end_at: float | None = None
        self._killer: asyncio.TimerHandle | None = None
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
        self._end_reason, self._end_at = "failure", None
        self._sandbox.starting()
        fault = await self._launcher.start(enclosure, endpoint.address, self._is_unwanted)
        if fault is None:
            fault = await self._start(enclosure, endpoint.address)
        if fault is not None:
            self._sandbox.exited(None, fault)
            self._end_extensions()
        elif self._running is not None:
            failed = self._sandbox.extensions.failed
            if self._is_unwanted():
                self._running.kill()
            elif failed is not None:
                self._sandbox.extension_exited(failed)
            await self._running.wait_closed()
            self._running = None
        await self._launcher.wait_closed()
        if self._killer is not None:
            self._killer.cancel()
            self._killer = None
        await endpoint.disconnect()
        self._sandbox.disconnected()
        await self._sandbox.telemetry.aclose()
        self.occupied = False

    def _is_unwanted(self) -> bool:
        """Whether what is being started is of no use any more."""
        return self.dismissed or self._sandbox.environment.state is State.SHUTDOWN

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
        self.thaw()
        self._sandbox.exited(returncode, self._cause(returncode))
        self._end_extensions()

    def _extension_exited(self, returncode: int) -> None:
        if self._is_out_of_memory(returncode):
            fault = errors.out_of_memory()
        else:
            fault = self._sandbox.extensions.cause(errors.extension_exited(returncode))
        if self._running is None:
            self._sandbox.extensions.fail(fault)
        else:
            self._sandbox.extension_exited(fault)

    def _cause(self, returncode: int) -> Fault:
        if self._is_out_of_memory(returncode):
            return errors.out_of_memory()
        if returncode == -signal.SIGKILL and self._fault is not None:
            return self._fault
        return self._sandbox.extensions.cause(errors.exited(returncode))

    def _is_out_of_memory(self, returncode: int) -> bool:
        enclosure = self._enclosure
        if returncode != -signal.SIGKILL or enclosure is None or not enclosure.out_of_memory():
            return False
        self.memory = self._sandbox.function.memory_size
        return True

    # What the sandbox wants

    def wake(self) -> None:
        """The environment has moved, and may need a runtime, or no more."""
        self._needed.set()

    def dismiss(self, reason: str) -> None:
        """End the runtime, which is of no use any more, and with it its extensions."""
        self.dismissed = True
        self.stop(reason)

    def kill(self, fault: Fault | None = None) -> None:
        """End the runtime at once; `fault` is why."""
        self._idle_since = None
        self._fault = fault or self._fault
        if self._running is not None:
            self._running.kill()
        else:
            self._end_extensions()

    def stop(self, reason: str) -> None:
        """End the runtime and then its extensions, which get the time that they have on AWS.

        `reason` is what they are told: spindown, timeout or failure.
        """
        self._end_reason = reason
        self.thaw()
        self._sandbox.telemetry.flush()
        registry = self._sandbox.extensions.registry
        if not len(registry) or self._running is None:
            self.kill()
        else:
            self._set_end()
            self._running.stop(RUNTIME_GRACE if registry.external else INTERNAL_GRACE)

    def _set_end(self) -> float:
        """When everything must have ended."""
        if self._end_at is None:
            self._end_at = self._clock.monotonic() + GRACE
        return self._end_at

    def _end_extensions(self) -> None:
        """The runtime is gone, or is not to be: its extensions must go, too."""
        if self._killer is not None or not self._launcher.any:
            return
        left = self._set_end() - self._clock.monotonic()
        deadline_ms = int((self._clock.time() + left) * 1000)
        extensions = self._sandbox.extensions
        extensions.fail(errors.sandbox_failure())
        extensions.shutdown(self._end_reason, deadline_ms)
        told = {each.name for each in extensions.registry.subscribers(SHUTDOWN)}
        self._launcher.kill(but=told)
        self._killer = self._loop.call_later(max(left, 0.0), self._launcher.kill)

    def connection(self) -> socket.socket:
        """A socket that connects to what its programs listen on. Raises `OSError`."""
        if self._enclosure is None:
            raise FileNotFoundError(ENOENT, "There is no environment yet")
        return self._enclosure.connection()

    def drain(self) -> None:
        """Report what has been written until now."""
        if self._enclosure is not None:
            self._enclosure.drain()

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
            if self._sandbox.function.freeze:
                self._sandbox.telemetry.pause()

    def thaw(self) -> None:
        """Let everything run."""
        self._idle_since = None
        if self._frozen and self._enclosure is not None:
            self._enclosure.thaw()
            self._sandbox.telemetry.resume()
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
