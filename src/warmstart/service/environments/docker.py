"""Environments as Docker containers.

    container: holder (its first process) ─ network with nothing but a loopback ─ /tmp
        └ program ─ 127.0.0.1:9001 ─▶ a socket of this process, listening in there

An enclosure is a container whose first program does nothing (see `holder`), so that
/tmp and the network outlive the runtimes that are started in it, one after the other.
Each of them is started through the `gate`, and writes to a FIFO of this process.
Its Runtime API is served by this process on a socket inside of the container's network
(see `namespaces`): nothing else of this host or of another environment can be reached.

The engine starts and removes. What happens at every invocation does not go through it,
as that would take many times as long as an invocation: the control group is frozen and
thawed, and signals are sent, by this process itself. So it must be root, and on the
engine's machine.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from errno import ENODEV, ENOENT
from functools import partial
from pathlib import Path
from typing import Literal

import warmstart
from warmstart.service.environments import cgroups, gate, memory
from warmstart.service.environments.container import (
    GATE,
    HOLDER,
    LAYERS,
    RAPID,
    RUNTIME_API,
    USER,
    host_settings,
    places,
)
from warmstart.service.environments.directories import sweep_directories
from warmstart.service.environments.driver import EnclosureFailed, Places
from warmstart.service.environments.ending import end_all
from warmstart.service.environments.engine import Engine, NoImage
from warmstart.service.environments.namespaces import Network
from warmstart.service.environments.output import Pipe
from warmstart.service.environments.process import in_thread
from warmstart.service.environments.rapid import Rapid, Report, write_programs
from warmstart.service.function import Function

__all__ = ["IMAGE", "NO_NETWORK", "ContainerEnclosure", "DockerDriver", "Isolation"]

Isolation = Literal["process", "docker"]

IMAGE = "python:{python}-slim"
"""The image of functions that bring none."""

NO_NETWORK = "none"
"""Docker's name of a network that has nothing but a loopback."""

_logger = logging.getLogger(__name__)

_PACKAGE = Path(warmstart.__file__).parent


class DockerDriver:
    """Makes the enclosures of containers.

    `image` is that of functions which bring none: it has a Python, and `{python}` in its
    name stands for the version. `network` is Docker's name of what their containers
    are connected to, by default nothing.

    Raises:
        EngineUnavailable: there is no engine, or it cannot be used from here.
    """

    def __init__(self, image: str = IMAGE, network: str = NO_NETWORK) -> None:
        self._engine = Engine()
        self._image = image
        self._network = self._engine.network(network)
        self._directory = Path(tempfile.gettempdir())
        self._remove(self._engine.orphans)
        sweep_directories(self._directory)
        self._programs = write_programs(self._directory)

    def close(self) -> None:
        """Remove what is left of this process's containers, and forget the engine."""
        self._remove(self._engine.own)
        self._engine.close()
        shutil.rmtree(self._programs, ignore_errors=True)

    def _remove(self, find: Callable[[], Iterable[str]]) -> None:
        """What cannot be removed must not keep a service from its start, or its end."""
        try:
            for container in find():
                self._engine.remove(container)
        except OSError as error:
            _logger.warning("Docker has not removed all containers that are left: %s", error)

    def prepare(self, function: Function) -> Function:
        """The function on the image that its name stands for now. Blocks.

        Raises:
            NoImage: the engine does not have it.
        """
        pinned, _ = self._engine.image(self._image_of(function))
        if function.image is None:
            return function
        return replace(function, image=replace(function.image, uri=pinned))

    async def open(self, function: Function, environment_id: str) -> ContainerEnclosure:
        """Run a container. Raises `EnclosureFailed`."""
        try:
            return await in_thread(lambda: self._open(function, environment_id))
        except (NoImage, OSError) as error:
            raise EnclosureFailed(str(error)) from error

    def _open(self, function: Function, environment_id: str) -> ContainerEnclosure:
        image, config = self._engine.image(self._image_of(function))
        rapid = Rapid(self._directory, environment_id, self._programs)
        settings = host_settings(
            function, self._network, rapid.directory, _PACKAGE, self._engine.processors
        )
        try:
            container, pid = self._engine.run(image, environment_id, HOLDER, settings)
            try:
                found, freezes = places(function, config), function.freeze
                return ContainerEnclosure(
                    self._engine, container, pid, rapid, found, freezes=freezes
                )
            except BaseException:
                self._engine.remove(container)
                raise
        except BaseException:
            rapid.close()
            raise

    def _image_of(self, function: Function) -> str:
        if function.image is not None:
            return function.image.uri
        return self._image.replace("{python}", function.runtime.removeprefix("python"))


class ContainerEnclosure:
    """One container. `pid` is its holder's. Raises `OSError` if that is gone.

    A program is in a session of its own, as Docker starts it: that is how one can be ended
    and another one, as an extension, go on. With the last program everything is ended.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        pid: int,
        rapid: Rapid,
        places: Places,
        *,
        freezes: bool,
    ) -> None:
        self._engine = engine
        self._container = container
        self._pid = pid
        self._rapid = rapid
        self._group = cgroups.of_process(pid)
        self._network = Network(pid)
        try:
            self.listener = self._network.listen(RUNTIME_API)
        except BaseException:
            self._network.close()
            raise
        self.places = places
        self.layers = Path(f"/proc/{pid}/root{LAYERS}")
        self._freezes = freezes
        self._kills = 0
        self._peak = 0
        self._outputs: set[Pipe] = set()
        self._programs: set[int] = set()
        self._starting = 0

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> ContainerProgram:
        """Start a program. Raises `OSError` or `EnclosureFailed`."""
        self.thaw()
        self._starting += 1
        try:
            with self._rapid.fifo() as fifo:
                output = Pipe(on_output, (fifo.reader, fifo.writer))
                self._outputs.add(output)
                try:
                    program, pid = await in_thread(
                        lambda: self._start(fifo.name, arguments, variables)
                    )
                except BaseException:
                    self._outputs.discard(output)
                    output.close()
                    raise
                finally:
                    output.close_writer()
            self._programs.add(pid)
        finally:
            self._starting -= 1

        def exited(returncode: int) -> None:
            self._outputs.discard(output)
            on_exit(returncode)

        return ContainerProgram(self, program, pid, output, exited)

    def _start(
        self, output: str, arguments: Sequence[str], variables: Mapping[str, str]
    ) -> tuple[str, int]:
        directory, path = self.places.working_directory, variables.get("PATH", "")
        with self._rapid.fifo() as fifo, closing(Report(fifo)) as report:
            ways = (f"{RAPID}/{fifo.name}", f"{RAPID}/{output}")
            through = [GATE, *gate.arguments(*ways, directory, arguments, path)]
            program = self._engine.start(self._container, through, USER, variables)
            gate.check(report.read(), directory, arguments[0])
        return program, self._engine.process(program)

    def ended(self, pid: int) -> None:
        """A program has ended."""
        self._programs.discard(pid)

    def return_code(self, program: str, pid: int) -> int:
        """End all that a program has left, and tell how itself ended. Blocks."""
        with _unless_gone():
            self._group.freeze()  # first of all they must not start others
        self.kill(pid)
        end_all(partial(self._of, pid))
        try:
            return self._engine.return_code(program)
        except EnclosureFailed as error:
            _logger.warning("How a program in a container has ended is not known: %s", error)
            return -signal.SIGKILL

    def kill(self, program: int) -> None:
        """End a program and what it has started."""
        for pid in self._of(program):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.thaw()

    def _of(self, program: int) -> list[int]:
        """A program's processes; everything but the holder if it is the last program."""
        found = [pid for pid in self._group.processes() if pid != self._pid]
        if self._starting or self._programs - {program}:
            found = [pid for pid in found if _session(pid) == program]
        return found

    def contains(self, pid: int) -> bool:
        """Whether there is such a process in it."""
        return pid in self._group.processes()

    def connection(self) -> socket.socket:
        """A socket that connects in the container's network. Raises `OSError`."""
        return self._network.connection()

    def drain(self) -> None:
        """Report all output that its programs have written until now."""
        for output in list(self._outputs):
            output.drain()

    def freeze(self) -> None:
        """Let nothing in the container run until `thaw`."""
        if self._freezes:
            with _unless_gone():
                self._group.freeze()

    def thaw(self) -> None:
        """Let everything run."""
        with _unless_gone():
            self._group.thaw()

    def peak_memory(self) -> int | None:
        """The most memory that the container has had so far, in bytes."""
        now = memory.peak(self._group.processes())
        with suppress(OSError):  # an old kernel does not know, or the container is gone
            now = max(now, self._group.peak_memory())
        self._peak = max(self._peak, now)
        return self._peak or None

    def out_of_memory(self) -> bool:
        """Whether a program was killed since the last call because of its memory."""
        try:
            kills = self._group.out_of_memory_kills()
        except OSError:
            return False
        found = kills > self._kills
        self._kills = kills
        return found

    async def close(self) -> None:
        """Remove the container."""
        self.listener.close()
        self._network.close()
        try:
            await in_thread(lambda: self._engine.remove(self._container))
        except OSError as error:
            _logger.warning("Docker has not removed container %s: %s", self._container, error)
        self._rapid.close()


class ContainerProgram:
    """A program that was started in a container."""

    def __init__(
        self,
        enclosure: ContainerEnclosure,
        program: str,
        pid: int,
        output: Pipe,
        on_exit: Callable[[int], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._enclosure = enclosure
        self._program = program
        self.pid = pid
        self._output = output
        self._on_exit = on_exit
        self._killer: asyncio.TimerHandle | None = None
        self._ended = False
        self._finished = self._loop.create_task(self._finish())

    async def _finish(self) -> None:
        """Wait for its end, and tell of it when all that it wrote has been told."""
        await self._wait()
        self._ended = True
        self._enclosure.ended(self.pid)
        if self._killer is not None:
            self._killer.cancel()
        code = await in_thread(lambda: self._enclosure.return_code(self._program, self.pid))
        self._output.drain()
        self._output.close()
        self._on_exit(code)

    async def _wait(self) -> None:
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        gone = asyncio.Event()
        self._loop.add_reader(descriptor, gone.set)
        try:
            # It may have ended by now, and its id be another one's.
            if self._enclosure.contains(self.pid):
                await gone.wait()
        finally:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)

    async def wait_closed(self) -> None:
        """Return when it has ended and nothing that it started is left."""
        await self._finished

    def stop(self, grace: float) -> None:
        """Ask it to end (SIGTERM); `grace` seconds later, kill it."""
        if not self._ended and self._killer is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            self._enclosure.thaw()
            self._killer = self._loop.call_later(grace, self.kill)

    def kill(self) -> None:
        """End it and all it has started, at once."""
        if not self._ended:
            self._enclosure.kill(self.pid)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@contextmanager
def _unless_gone() -> Iterator[None]:
    """For a control group that goes when somebody else removes its container."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOENT, ENODEV):
            raise
