"""Environments as child processes of this one, and what they have to themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from warmstart.service.environments import memory
from warmstart.service.environments.driver import Places
from warmstart.service.environments.process import Process, in_thread, spawn
from warmstart.service.function import Function

__all__ = ["ProcessDriver", "ProcessEnclosure"]


class ProcessDriver:
    """Makes the enclosures of processes."""

    def open(self, function: Function, environment_id: str) -> ProcessEnclosure:
        """Make one, with an empty directory for what the function calls /tmp."""
        temporary = Path(tempfile.gettempdir(), f"warmstart-{os.getpid()}-{environment_id}")
        temporary.mkdir(mode=0o700)
        return ProcessEnclosure(function, temporary)


class ProcessEnclosure:
    """Where the processes of one environment live."""

    def __init__(self, function: Function, temporary: Path) -> None:
        self._function = function
        self._temporary = temporary
        self.places = Places(function.task_root, function.layers_directory, str(temporary))
        self._processes: set[Process] = set()
        self._peak = 0

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Process:
        """Start a program. Raises `OSError`."""
        output, child_output = os.pipe()
        try:
            popen = await in_thread(
                lambda: self._spawn(arguments, variables, child_output),
            )
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(child_output)

        def exited(returncode: int) -> None:
            self._processes.discard(process)
            on_exit(returncode)

        process = Process(popen, output, on_output, exited, self._end)
        self._processes.add(process)
        return process

    def _spawn(
        self, arguments: Sequence[str], variables: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        return spawn(arguments, self.places.task_root, variables, output)

    def _end(self) -> None:
        """End what a process that has ended left running."""

    def freeze(self) -> None:
        """Stop all processes, as they are."""
        if self._function.freeze:
            for process in self._processes:
                process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        if self._function.freeze:
            for process in self._processes:
                process.signal(signal.SIGCONT)

    def peak_memory(self) -> int | None:
        """The most memory that the processes have had so far, in bytes."""
        now = memory.peak([process.pid for process in self._processes])
        if now is not None:
            self._peak = max(self._peak, now)
        return self._peak or None

    def out_of_memory(self) -> bool:
        """Whether a process was killed since the last call because of its memory."""
        return False

    async def close(self) -> None:
        """Remove what is left: the files."""
        await in_thread(lambda: shutil.rmtree(self._temporary, ignore_errors=True))
