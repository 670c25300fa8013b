"""The service's end of the socket to a template: it asks for copies, and hears of their ends.

What is said is written down in `warmstart.runtime.template`, the other end. One copy is
asked for at a time. A copy is the template's child, so only the template learns its return
code; should the template be gone, a copy goes on, and how it ended is never known.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

__all__ = ["Copies", "Copy"]

_MAX_MESSAGE = 65536


class Copy:
    """A copy of a template, as a child process."""

    def __init__(self, pid: int, reap: Callable[[int], None]) -> None:
        self.pid = pid
        self._loop = asyncio.get_running_loop()
        self._reap = reap
        self._descriptor = os.pidfd_open(pid)
        self._returncode: int | None = None
        self._ended: Callable[[], None] | None = None

    def watch(self, ended: Callable[[], None]) -> None:
        """Have `ended` called when it has ended."""
        self._ended = ended
        if self._returncode is not None:
            self._loop.call_soon(ended)

    def reap(self) -> int:
        """Its return code, once it has ended; then its id is no longer its own."""
        assert self._returncode is not None
        os.close(self._descriptor)
        self._reap(self.pid)
        return self._returncode

    def exited(self, returncode: int) -> None:
        """It has ended."""
        self._returncode = returncode
        if self._ended is not None:
            self._ended()

    def be_orphaned(self) -> None:
        """The template is gone: look for the end oneself."""
        if self._returncode is None:
            self._loop.add_reader(self._descriptor, self._exited_alone)

    def _exited_alone(self) -> None:
        self._loop.remove_reader(self._descriptor)
        # Nobody knows the code. With this one it is said that there is no reason to tell.
        self.exited(0)


class Copies:
    """Makes copies by the socket `control`; `on_ready` hears whether that can be done."""

    def __init__(self, control: socket.socket, on_ready: Callable[[bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._control: socket.socket | None = control
        self._on_ready = on_ready
        self._lock = asyncio.Lock()
        self._wanted: asyncio.Future[Copy] | None = None
        self._failure: OSError | None = None
        self._copies: dict[int, Copy] = {}
        control.setblocking(False)
        self._loop.add_reader(control, self._read)

    async def make(
        self,
        variables: Mapping[str, str],
        view: Mapping[str, Any] | None,
        descriptors: Sequence[int],
    ) -> Copy:
        """Make a copy with these variables; `view` is what its /tmp is.

        The first of `descriptors` is its output, the others are files to enter groups by.

        Raises:
            OSError: it cannot be made.
        """
        message = json.dumps({"copy": {"variables": dict(variables), "view": view}}).encode()
        async with self._lock:
            if self._control is None:
                raise _gone()
            self._failure = None
            self._wanted = self._loop.create_future()
            try:
                socket.send_fds(self._control, [message], list(descriptors))
                return await self._wanted
            finally:
                self._wanted = None

    def _read(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(_MAX_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        if not data:
            self.close()
            return
        message = json.loads(data)
        match message:
            case {"ready": can_be_copied}:
                self._on_ready(can_be_copied)
            case {"error": [number, text]}:
                self._failed(OSError(number, text), "pid" in message)
            case {"exited": pid, "returncode": returncode}:
                self._exited(pid, returncode)
            case {"pid": pid}:
                self._made(pid)

    def _made(self, pid: int) -> None:
        if self._wanted is None or self._wanted.done():  # nobody waits for it any more
            os.kill(pid, signal.SIGKILL)
            return
        copy = self._copies[pid] = Copy(pid, self._reap)
        self._wanted.set_result(copy)

    def _failed(self, error: OSError, is_told_by_copy: bool) -> None:
        self._failure = error
        # A copy's own end is still to be told.
        if not is_told_by_copy:
            self._refuse()

    def _refuse(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_exception(self._failure or _gone())

    def _exited(self, pid: int, returncode: int) -> None:
        copy = self._copies.get(pid)
        if copy is not None:
            copy.exited(returncode)
        else:
            self._reap(pid)
            self._refuse()

    def _reap(self, pid: int) -> None:
        self._copies.pop(pid, None)
        if self._control is not None:
            with suppress(OSError):  # it has just gone
                self._control.send(json.dumps({"reap": pid}).encode())

    def close(self) -> None:
        """Let the template end, if it has not yet. The copies go on."""
        if self._control is None:
            return
        self._loop.remove_reader(self._control)
        self._control.close()
        self._control = None
        self._refuse()
        for copy in self._copies.values():
            copy.be_orphaned()


def _gone() -> OSError:
    return OSError(errno.ECHILD, "the process that is copied has ended")
