"""The driver: an environment's runtime as a child process.

A driver starts something that runs a program and tells of its output and its
end. This one starts a process in a session of its own, so that everything the
function starts can be signalled and is ended with it, with /dev/null as stdin
and one pipe for stdout and stderr, which keeps the order between the two.

The pipe is read by the event loop, and by `drain` whenever something is about
to be said of the environment: what the process wrote before it posted a
response is then in the log before the response's REPORT, and attributed to the
right invocation.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, cast

__all__ = ["Driver", "Process", "ProcessDriver", "Running"]

MAX_LINE = 256 * 1024
"""Bytes. The longest event CloudWatch Logs takes; a longer line is split."""

_READ = 65536


class Running(Protocol):
    """A program that a driver has started."""

    @property
    def pid(self) -> int: ...

    def peak_memory(self) -> int | None:
        """The most memory it has had so far, in bytes; `None` if unknown."""
        ...

    def drain(self) -> None:
        """Report all output that it has written until now."""
        ...

    def stop(self, grace: float) -> None:
        """Ask it to end (SIGTERM); `grace` seconds later, kill it."""
        ...

    def kill(self) -> None:
        """End it and all it has started, at once."""
        ...

    async def wait_closed(self) -> None:
        """Return when it has ended and nothing of it is left."""
        ...


class Driver(Protocol):
    """Starts environments' programs: as processes here, as containers or snapshots elsewhere."""

    async def start(
        self,
        arguments: Sequence[str],
        directory: str,
        variables: Callable[[str], Mapping[str, str]],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Running:
        """Start a program in `directory`.

        `variables` makes its whole environment, given the path of its temporary
        directory. `on_output` gets each line, `on_exit` the return code (negative
        for a signal) once, after the last line.

        Raises:
            OSError: it cannot be started; nothing is left behind.
        """
        ...


class ProcessDriver:
    """Environments as child processes of this one."""

    async def start(
        self,
        arguments: Sequence[str],
        directory: str,
        variables: Callable[[str], Mapping[str, str]],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Running:
        loop = asyncio.get_running_loop()
        # Not every loop tells whether the directory or the program was not found.
        os.scandir(directory).close()
        temporary = tempfile.mkdtemp(prefix="warmstart-")
        output, child_output = os.pipe()
        process = Process(output, temporary, on_output, on_exit)
        try:
            await loop.subprocess_exec(
                lambda: process,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=child_output,
                stderr=child_output,
                cwd=directory,
                env=dict(variables(temporary)),
                start_new_session=True,
            )
        except BaseException:
            await process.discard()
            raise
        finally:
            os.close(child_output)
        return process


class Process(asyncio.SubprocessProtocol):
    """One child process, its output and its temporary directory."""

    _transport: asyncio.SubprocessTransport

    def __init__(
        self,
        output: int,
        temporary: str,
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._output = output
        self._temporary = temporary
        self._on_output = on_output
        self._on_exit = on_exit
        self._partial = b""
        self._open = True
        self._exited = False
        self._killer: asyncio.TimerHandle | None = None
        self._closed = self._loop.create_future()
        os.set_blocking(output, False)

    # SubprocessProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()
        self._loop.add_reader(self._output, self._read)

    def process_exited(self) -> None:
        """The process is reaped. What it started in its session ends with it."""
        self._exited = True
        if self._killer is not None:
            self._killer.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        # Its last request may still be in the socket: the loop gets one more
        # round to read it before the end is told.
        self._loop.call_soon(self._loop.call_soon, self._report_exit)

    def _report_exit(self) -> None:
        self.drain()
        removed = self.discard()
        removed.add_done_callback(self._closed.set_result)
        returncode = self._transport.get_returncode()
        assert returncode is not None
        self._transport.close()
        self._on_exit(returncode)

    def discard(self) -> asyncio.Future[None]:
        """Release what is held besides the process itself; the future is done when it is."""
        self._close_output()
        return self._loop.run_in_executor(None, shutil.rmtree, self._temporary, True)

    async def wait_closed(self) -> None:
        await self._closed

    # Running

    def peak_memory(self) -> int | None:
        try:
            with open(f"/proc/{self.pid}/status", "rb") as status:
                for line in status:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass
        return None

    def drain(self) -> None:
        # One read: `_READ` is all that a pipe holds.
        if self._open:
            self._read()

    def stop(self, grace: float) -> None:
        if not self._exited and self._killer is None:
            self._signal(signal.SIGTERM)
            self._killer = self._loop.call_later(grace, self.kill)

    def kill(self) -> None:
        if not self._exited:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """To the whole session's group. Until it is reaped the process id is certainly its own."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    # Output

    def _read(self) -> None:
        try:
            data = os.read(self._output, _READ)
        except BlockingIOError:
            return
        if not data:
            self._close_output()
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._line(line)
        while len(self._partial) > MAX_LINE:
            head, self._partial = self._partial[:MAX_LINE], self._partial[MAX_LINE:]
            self._line(head)

    def _line(self, line: bytes) -> None:
        self._on_output(line.decode(errors="replace"))

    def _close_output(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._output)
            os.close(self._output)
            if self._partial:
                self._line(self._partial)
                self._partial = b""
