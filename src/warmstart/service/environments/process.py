"""One child process and its end.

It is in a session of its own, so that everything it starts can be signalled and
is ended with it, with /dev/null as stdin and one pipe for stdout and stderr,
which keeps the order between the two.

Processes are started by `subprocess` in a thread and waited for by their file
descriptor, not by the event loop's own means: starting one takes a millisecond
that the loop need not stand still for, and a loop that is told of its children
by SIGCHLD is woken whenever one of them is frozen.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

from warmstart.service.environments.output import Pipe

__all__ = ["Child", "Process", "Spawned", "in_thread", "spawn"]

_Result = TypeVar("_Result")


async def in_thread(work: Callable[[], _Result]) -> _Result:
    """Do `work` in a thread of its own, which may do to itself what cannot be undone."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            loop.call_soon_threadsafe(future.set_exception, error)
        else:
            loop.call_soon_threadsafe(future.set_result, result)

    threading.Thread(target=run, name="warmstart-environment").start()
    # The work goes on if who waits is cancelled, which only the end of the loop does.
    return await asyncio.shield(future)


def spawn(
    arguments: Sequence[str],
    directory: str,
    variables: Mapping[str, str],
    output: int,
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program that writes to `output` and has `descriptors`, too. Raises `OSError`."""
    return subprocess.Popen(
        arguments,
        cwd=directory,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=descriptors,
    )


class Child(Protocol):
    """A process in a session of its own, which it leads."""

    @property
    def pid(self) -> int: ...

    def watch(self, ended: Callable[[], None]) -> None:
        """Have `ended` called on the loop when it has ended."""
        ...

    def reap(self) -> int:
        """Its return code, once it has ended; then its id is no longer its own."""
        ...


class Spawned:
    """A child of this process."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._popen = popen
        self.pid = popen.pid

    def watch(self, ended: Callable[[], None]) -> None:
        """Have `ended` called on the loop when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # not Linux, or an old one

            def wait() -> None:
                self._popen.wait()
                self._loop.call_soon_threadsafe(ended)

            threading.Thread(target=wait, name="warmstart-wait", daemon=True).start()
            return

        def told() -> None:
            self._loop.remove_reader(descriptor)
            os.close(descriptor)
            ended()

        self._loop.add_reader(descriptor, told)

    def reap(self) -> int:
        """Its return code."""
        return self._popen.wait()


class Process:
    """A started program. `end` is called in a thread once it is reaped, to end what it left."""

    def __init__(
        self,
        child: Child,
        output: Pipe,
        on_exit: Callable[[int], None],
        end: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._child = child
        self.pid = child.pid
        self._returncode = 0
        self._output = output
        self._on_exit = on_exit
        self._end = end
        self._exited = False
        self._killer: asyncio.TimerHandle | None = None
        self._closed = self._loop.create_future()
        child.watch(self._reap)

    # Its end

    def _reap(self) -> None:
        self._returncode = self._child.reap()
        self._exited = True
        if self._killer is not None:
            self._killer.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        # Its last request may still be in the socket: the loop gets one more
        # round to read it before the end is told.
        self._loop.call_soon(self._loop.call_soon, self._report_exit)

    def _report_exit(self) -> None:
        self._output.drain()
        self._output.close()
        ended = self._loop.create_task(in_thread(self._end))
        ended.add_done_callback(self._settle)
        self._on_exit(self._returncode)

    def _settle(self, ended: asyncio.Task[None]) -> None:
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            self._closed.set_exception(error)
        else:
            self._closed.set_result(None)

    async def wait_closed(self) -> None:
        """Return when it has ended and nothing that it started is left."""
        await self._closed

    # Signals

    def stop(self, grace: float) -> None:
        """Ask it to end (SIGTERM); `grace` seconds later, kill it."""
        if not self._exited and self._killer is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            self._killer = self._loop.call_later(grace, self.kill)

    def kill(self) -> None:
        """End it and all it has started, at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """To the whole session's group. Until it is reaped the process id is certainly its own."""
        if not self._exited:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
