"""Sockets inside of another network: that of a container, which has a loopback of its own.

A socket stays in the network namespace that it was made in, whoever uses it. So a
thread enters the container's, makes the socket, and ends; the event loop serves it
like any other, and nothing of this host can be reached from in there but what is
served on it. https://man7.org/linux/man-pages/man7/network_namespaces.7.html
"""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from collections.abc import Callable

__all__ = ["Network"]

_CLONE_NEWNET = 0x40000000
_BACKLOG = 100


class Network:
    """The network of a process. Raises `OSError` if that is gone.

    It is held by a descriptor: the process's id may be another one's by the next time.
    """

    def __init__(self, pid: int) -> None:
        self._descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Let go of it; the sockets stay."""
        os.close(self._descriptor)

    def listen(self, address: tuple[str, int]) -> socket.socket:
        """A socket that listens at `address` in there. Raises `OSError`."""
        return self._inside(lambda: socket.create_server(address, backlog=_BACKLOG))

    def connection(self) -> socket.socket:
        """A socket that connects in there. Raises `OSError`."""
        return self._inside(socket.socket)

    def _inside(self, make: Callable[[], socket.socket]) -> socket.socket:
        made: list[socket.socket | OSError] = []

        def run() -> None:
            try:
                self._enter()
                made.append(make())
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=run, name="warmstart-network")
        thread.start()
        thread.join()
        (result,) = made
        if isinstance(result, OSError):
            raise result
        return result

    def _enter(self) -> None:
        """Bring this thread into the network, which it cannot leave any more."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(self._descriptor, _CLONE_NEWNET) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"The network of a container: {os.strerror(number)}")
