"""A /tmp of its own for a copy of a process that has one already.

https://man7.org/linux/man-pages/man7/mount_namespaces.7.html
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["own_temporary"]

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 4096
_MS_REC = 16384
_libc = ctypes.CDLL(None, use_errno=True)


def own_temporary(source: str, target: str, kept: list[str], as_user: bool) -> None:
    """Let `target` be the directory `source`, for this process and what it starts.

    `kept` are directories below it that stay where they are. `as_user` makes a user namespace
    first, as who is not root needs.

    Raises:
        OSError: the system does not let us.
    """
    user, group = os.getuid(), os.getgid()
    if _libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if as_user else 0)) < 0:
        raise _error("unshare")
    if as_user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    # By descriptors of this namespace they are found when something covers them.
    opened = [os.open(path, os.O_PATH) for path in kept]
    _bind(source, target)
    for path, descriptor in zip(kept, opened, strict=True):
        os.makedirs(path, exist_ok=True)
        _bind(f"/proc/self/fd/{descriptor}", path)
        os.close(descriptor)


def _bind(source: str, target: str) -> None:
    flags = ctypes.c_ulong(_MS_BIND | _MS_REC)
    if _libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None) < 0:
        raise _error(target)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
