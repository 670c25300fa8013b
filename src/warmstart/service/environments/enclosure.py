"""Environments as child processes of this one, and what they have to themselves.

Each environment gets a directory for its /tmp and, where the system lets us, a
control group, which limits its memory and finds all of its processes, whatever
they did to hide. Elsewhere the memory is looked at while an invocation runs, and
what a function left running is known by its variables: they contain the
environment's id.

Groups bear this process's id in their names, as `directories` do. What a service has
left that was killed is found by it, and removed when the next one starts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from errno import ENOENT
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from warmstart.service.environments import memory
from warmstart.service.environments.cgroups import Cgroup, Cgroups
from warmstart.service.environments.directories import (
    is_gone,
    make_directory,
    sweep_directories,
)
from warmstart.service.environments.driver import Places
from warmstart.service.environments.ending import bearing, end_all
from warmstart.service.environments.output import Pipe
from warmstart.service.environments.process import Child, Process, Spawned, in_thread, spawn
from warmstart.service.environments.views import Views
from warmstart.service.function import Function

__all__ = ["ProcessDriver", "ProcessEnclosure"]

Kind = TypeVar("Kind", bound="ProcessEnclosure")

SAMPLE_INTERVAL = 0.1
"""Seconds between two looks at the memory where there is no control group to limit it."""


class ProcessDriver:
    """Makes the enclosures of processes.

    `limits` false is as if there were no control groups; `as_user` views as if it was not root
    who asks for them.
    """

    def __init__(self, *, limits: bool = True, as_user: bool = False) -> None:
        self.cgroups = Cgroups.find() if limits else None
        self._as_user = as_user
        self._directory = Path(tempfile.gettempdir())
        self._sweep()

    async def open(self, function: Function, environment_id: str) -> ProcessEnclosure:
        """Make one, with an empty directory for what the function calls /tmp."""
        return self.enclose(ProcessEnclosure, function, environment_id)

    def enclose(
        self,
        kind: type[Kind],
        function: Function,
        environment_id: str,
        directory: Path | None = None,
    ) -> Kind:
        """Make one of that kind, whose /tmp is in `directory`. Raises `OSError`."""
        temporary = make_directory(directory or self._directory, environment_id)
        views = self._views if function.isolated else None
        return kind(function, environment_id, temporary, self.cgroups, views)

    @cached_property
    def _views(self) -> Views | None:
        if self._as_user:
            views = Views(as_user=True)
            return views if views.work() else None
        return Views.find()

    def _sweep(self) -> None:
        """Remove what services have left that were killed."""
        sweep_directories(self._directory)
        if self.cgroups is not None:
            self.cgroups.sweep(is_gone)


class ProcessEnclosure:
    """Where the processes of one environment live."""

    listener = None

    def __init__(
        self,
        function: Function,
        environment_id: str,
        temporary: Path,
        cgroups: Cgroups | None,
        views: Views | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._function = function
        self._environment_id = environment_id
        self.temporary = temporary
        self._passed: tuple[int, ...] = ()  # descriptors for its programs
        self._views = views
        self.places = (
            Places(function.task_root, function.layers_directory, str(temporary))
            if views is None
            else views.places(function)
        )
        self.layers = None if function.layers_directory is None else Path(function.layers_directory)
        self._processes: set[Process] = set()
        self._outputs: set[Pipe] = set()
        # What one program has left must not be looked for while another one is being
        # started, which is nobody's yet.
        self._starting = 0
        self._spawning = threading.Lock()
        self._cgroups = cgroups
        self._cgroup: Cgroup | None = None
        self._kills = 0
        self._peak = 0
        self._too_large = False
        self._sample: asyncio.TimerHandle | None = None

    @staticmethod
    def connection() -> socket.socket:
        """One of this host: that is where its programs listen."""
        return socket.socket()

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Process:
        """Start a program. Raises `OSError`."""
        self._starting += 1
        try:
            return await self._start(arguments, variables, on_output, on_exit)
        finally:
            self._starting -= 1

    async def _start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Process:
        output = Pipe(on_output)
        self._outputs.add(output)
        try:
            child = await self._start_child(arguments, variables, output.writer)
        except BaseException:
            self._outputs.discard(output)
            output.close()
            raise
        finally:
            output.close_writer()

        def exited(returncode: int) -> None:
            self._processes.discard(process)
            self._outputs.discard(output)
            on_exit(returncode)

        process = Process(child, output, exited, self._end_what_is_left)
        self._processes.add(process)
        self._watch_memory()
        return process

    async def _start_child(
        self, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> Child:
        return Spawned(await in_thread(lambda: self._spawn(arguments, variables, output)))

    def _spawn(
        self, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        with self._spawning:
            return self._spawn_alone(arguments, variables, output)

    def _spawn_alone(
        self, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        self._make_cgroup()
        if self._views is None:
            popen = spawn(arguments, self.places.task_root, variables, output, self._passed)
        else:
            function, temporary = self._function, str(self.temporary)
            if not os.path.isdir(function.task_root):
                raise FileNotFoundError(ENOENT, os.strerror(ENOENT), self.places.task_root)
            popen = self._views.spawn(
                function, temporary, arguments, variables, output, self._passed
            )
        # It has only just begun, and started nothing of its own.
        if self._cgroup is not None:
            self._cgroup.add(popen.pid)
        return popen

    def _make_cgroup(self) -> None:
        if self._cgroup is None and self._cgroups is not None:
            try:
                memory_size = self._function.memory_size
                self._cgroup = self._cgroups.create(self._environment_id, memory_size)
            except OSError as error:
                raise RuntimeError("A control group could not be made.") from error

    def _end_what_is_left(self) -> None:
        with self._spawning:
            if self._processes or self._starting:
                return
            if self._cgroup is not None:
                self._cgroup.kill()
            else:
                end_all(partial(bearing, self._environment_id))

    def drain(self) -> None:
        """Report all output that its programs have written until now."""
        for output in list(self._outputs):
            output.drain()

    # Freezing

    def freeze(self) -> None:
        """Stop all processes, as they are."""
        if self._sample is not None:
            self._sample.cancel()
            self._sample = None
        if self._function.freeze:
            for process in self._processes:
                process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        if self._cgroup is None:
            self._watch_memory()
        if self._function.freeze:
            for process in self._processes:
                process.signal(signal.SIGCONT)

    # Memory

    def peak_memory(self) -> int | None:
        """The most memory that the processes have had so far, in bytes."""
        if self._cgroup is None:
            now = memory.peak(memory.tree([process.pid for process in self._processes]))
        else:
            now = memory.peak(self._cgroup.processes())
            with suppress(OSError):  # an old kernel does not know all of this
                now = max(now, self._cgroup.peak_memory())
        self._peak = max(self._peak, now)
        return self._peak or None

    def out_of_memory(self) -> bool:
        """Whether a process was killed since the last call because of its memory."""
        kills = self._cgroup.out_of_memory_kills() if self._cgroup is not None else 0
        found = self._too_large or kills > self._kills
        self._kills = kills
        self._too_large = False
        return found

    def _watch_memory(self) -> None:
        """Look at the memory from time to time, where nobody else limits it."""
        if self._cgroup is None and self._sample is None:
            self._sample = self._loop.call_later(SAMPLE_INTERVAL, self._look_at_memory)

    def _look_at_memory(self) -> None:
        self._sample = None
        if not self._processes:
            return
        size = memory.resident(memory.tree([process.pid for process in self._processes]))
        if size > self._function.memory_size * 2**20:
            self._too_large = True
            for process in self._processes:
                process.kill()
        else:
            self._watch_memory()

    async def close(self) -> None:
        """Remove what is left: the group and the files."""
        await in_thread(self._remove)

    def _remove(self) -> None:
        if self._cgroup is not None:
            self._cgroup.remove()
        shutil.rmtree(self.temporary, ignore_errors=True)
