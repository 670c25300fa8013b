"""Listening inside of another network: that of a container, which has only a loopback of its own.

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

__all__ = ["listen_in"]

_CLONE_NEWNET = 0x40000000
_BACKLOG = 100


def listen_in(pid: int, address: tuple[str, int]) -> socket.socket:
    """A socket that listens at `address` in the network of a process.

    Raises:
        OSError: the process is gone, or the system does not let us.
    """
    made: list[socket.socket | OSError] = []

    def make() -> None:
        try:
            made.append(_make(pid, address))
        except OSError as error:
            made.append(error)

    thread = threading.Thread(target=make, name="warmstart-network")
    thread.start()
    thread.join()
    (result,) = made
    if isinstance(result, OSError):
        raise result
    return result


def _make(pid: int, address: tuple[str, int]) -> socket.socket:
    """Do it in this thread, which is in the other network from then on."""
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(network, _CLONE_NEWNET) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"The network of process {pid}: {os.strerror(number)}")
    finally:
        os.close(network)
    return socket.create_server(address, backlog=_BACKLOG)
