"""What INIT left behind that copies of the process cannot have: threads, sockets, event loops.

A fork copies the memory and one thread, and shares all that is open. So asyncio's
loops get a selector and a wake-up socket of their own in each copy, and files are
opened anew, so that none reads from where another one is. Sockets are cut: the
other side knows one client, and AWS promises nothing of connections across a snapshot either
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-best-practices.html).
Threads, and descriptors of epoll that are no loop's of asyncio, stand against
copies: what waits there would be lost without a word.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import warnings
from fcntl import F_GETFL, fcntl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Inheritance"]

_HOOKS = "snapshot_restore_py.register_before_snapshot and register_after_restore"
_ORDINARY = (
    " A snapshot cannot take it along, so the environments of this version are started in the"
    " ordinary way: slower, and with the same hooks."
)


class Inheritance:
    """What this process has now. `own` are descriptors that are the runtime's."""

    def __init__(self, own: set[int]) -> None:
        self._loops = _loops()
        known = own | {0, 1, 2}
        for loop in self._loops:
            known |= {loop._selector.fileno(), loop._ssock.fileno(), loop._csock.fileno()}
        opened = {each: what for each, what in _opened().items() if each not in known}
        self._sockets = [each for each, what in opened.items() if what.startswith("socket:")]
        self._polls = [each for each, what in opened.items() if what.endswith("[eventpoll]")]
        self._files = {each: path for each, path in opened.items() if os.path.isfile(path)}
        self._threads = _threads()

    @property
    def can_be_copied(self) -> bool:
        """Whether a copy would be as good as this process."""
        return not (self._threads or self._polls)

    def warnings(self) -> list[str]:
        """What is in the way, for whoever wrote the function: what it is, and what to do."""
        threads = [
            f"INIT left a thread running, {name}.{_ORDINARY} End it before the snapshot and start"
            f" it again after the restore ({_HOOKS})."
            for name in self._threads
        ]
        polls = [
            f"INIT left an event loop or a poll open that is not asyncio's (epoll, descriptor"
            f" {each}).{_ORDINARY} Close it before the snapshot and make it anew after the restore"
            f" ({_HOOKS})."
            for each in self._polls
        ]
        sockets = [
            f"INIT left {_describe(each)} open. Copies of a snapshot cannot share it: in each of"
            " them it is closed, as it may be on AWS. Close it before the snapshot, and connect"
            f" after the restore ({_HOOKS}) or when it is first needed."
            for each in self._sockets
        ]
        return threads + polls + sockets

    def divide(self) -> None:
        """In a copy: part from what is shared."""
        for descriptor in self._sockets:
            _cut(descriptor)
        for descriptor, path in self._files.items():
            _open_anew(descriptor, path)
        for loop in self._loops:
            _renew(loop)


def _threads() -> list[str]:
    main = threading.main_thread()
    names = [repr(each.name) for each in threading.enumerate() if each is not main]
    if _tasks() > len(names) + 1:
        # There are some that Python does not know. Libraries for numbers end theirs at a fork.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    names += ["one that `threading` does not know"] * (_tasks() - len(names) - 1)
    return names


def _tasks() -> int:
    return len(os.listdir("/proc/self/task"))


def _loops() -> list[Any]:
    """The open loops of asyncio, as far as they are its own."""
    events = sys.modules.get("asyncio.selector_events")
    if events is None:
        return []
    found = [each for each in gc.get_objects() if isinstance(each, events.BaseSelectorEventLoop)]
    return [loop for loop in found if not loop.is_closed()]


def _renew(loop: Any) -> None:
    """Give a loop a selector and a wake-up socket that no other process has.

    The names are private, but the same in Python 3.11 to 3.14.
    """
    old = loop._selector
    new = type(old)()
    for key in old.get_map().values():
        new.register(key.fileobj, key.events, key.data)
    loop._selector = new
    old.close()  # without unregistering, which the other processes would notice
    loop._close_self_pipe()
    loop._make_self_pipe()


def _opened() -> dict[int, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:  # the one by which the directory was read
            pass
    return found


def _open_anew(descriptor: int, path: str) -> None:
    """Have an offset of one's own in a file; in the /tmp of a copy that file is its own, too."""
    flags = fcntl(descriptor, F_GETFL) & (os.O_ACCMODE | os.O_APPEND)
    try:
        own = os.open(path, flags)
    except OSError:  # it may be read, though no longer opened
        return
    os.lseek(own, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
    os.dup2(own, descriptor, inheritable=False)
    os.close(own)


def _cut(descriptor: int) -> None:
    """Put a socket in the place of another whose peer has just closed."""
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.setblocking(os.get_blocking(descriptor))
    os.dup2(ours.fileno(), descriptor, inheritable=False)
    ours.close()


def _describe(descriptor: int) -> str:
    with socket.socket(fileno=os.dup(descriptor)) as found:
        kind = f"{found.family.name}, {found.type.name}, descriptor {descriptor}"
        try:
            return f"a connection to {_address(found.getpeername())} ({kind})"
        except OSError:
            return f"a socket bound to {_address(found.getsockname())} ({kind})"


def _address(name: Any) -> str:
    return f"{name[0]}:{name[1]}" if isinstance(name, tuple) else repr(name)
