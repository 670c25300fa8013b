"""A private view of the file system, in which things are where AWS has them.

The code is at /var/task and the layers at /opt, read-only; /tmp is the
environment's own, and /etc/hosts knows one name more. Everything else is the
host's. The view is a mount namespace
(https://man7.org/linux/man-pages/man7/mount_namespaces.7.html): whoever enters it
passes it on to what it starts, and it is gone with the last of them.

Root enters it in a thread, whose namespace is its own, and starts the program
from there. Others need a user namespace, for which a process must have one
thread only: there this file is a program of its own that enters and becomes the
program that is to be started. So it imports next to nothing.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import time

__all__ = ["LAYERS", "TASK_ROOT", "TEMPORARY", "enter"]

TASK_ROOT = "/var/task"
LAYERS = "/opt"
TEMPORARY = "/tmp"  # noqa: S108 - the function's, not ours

_HOSTS = "/etc/hosts"

_ROUNDS = 400
_PAUSE = 0.005  # seconds

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_MS_RELATIME = 1 << 21
_KEPT_FLAGS = 2 | 4 | 8 | 1024 | 2048  # nosuid, nodev, noexec, noatime, nodiratime
_ST_RELATIME = 4096


def enter(
    task_root: str, layers: str, temporary: str, kept: list[str], *, as_user: bool = False
) -> None:
    """Enter a new view, in which these directories are where AWS has them.

    `layers` is empty if there are none. `kept` are directories that stay where
    they are though /opt or /tmp is above them. `as_user` makes a user namespace first.

    Raises:
        OSError: the system does not let us, or a directory is not there.
    """
    _unshare(as_user=as_user)
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    # By descriptors of this view they are found even when something covers them.
    opened: list[int] = []
    try:
        for path in (task_root, temporary, *kept, *([layers] if layers else [])):
            opened.append(os.open(path, os.O_PATH))
        _put_task_root(_still(opened[0]))
        _put_layers(_entries(layers, opened[-1]) if layers else {})
        _bind(_still(opened[1]), TEMPORARY)
        for path, descriptor in zip(kept, opened[2:], strict=False):
            os.makedirs(path, exist_ok=True)
            _bind(_still(descriptor), path)
        _name_sandbox()
        _finish(LAYERS)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _unshare(*, as_user: bool) -> None:
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWNS | (_CLONE_NEWUSER if as_user else 0)
    if _libc().unshare(flags) < 0:
        raise _error("unshare")
    if as_user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _put_task_root(source: str) -> None:
    """Most hosts have no /var/task, and it is not ours to make: /var is made anew of its parts."""
    if not os.path.isdir(TASK_ROOT):
        parent = os.path.dirname(TASK_ROOT)
        descriptor = os.open(parent, os.O_PATH)
        try:
            _cover(parent, _entries(parent, descriptor))
        finally:
            os.close(descriptor)
        os.mkdir(TASK_ROOT)
    _bind(source, TASK_ROOT, read_only=True)


def _put_layers(entries: dict[str, str]) -> None:
    """A directory of its own, even without layers: the host's /opt is no function's business."""
    _cover(LAYERS, entries, read_only=True)


def _name_sandbox() -> None:
    """Let `sandbox.localdomain` be this machine, as for extensions that listen there on AWS."""
    if not os.path.isfile(_HOSTS):
        return
    path = f"{LAYERS}/.{os.getpid()}-hosts"
    with open(_HOSTS) as given, open(path, "w") as file:
        file.write(f"127.0.0.1 sandbox.localdomain sandbox\n{given.read()}")
    _bind(path, _HOSTS, read_only=True)
    os.unlink(path)  # the mount keeps it


def _finish(path: str) -> None:
    """Let nobody write there any more.

    A program that another thread starts meanwhile has a copy of what we had open for writing,
    until a moment later it becomes that program: so long the directory is busy.
    """
    for _ in range(_ROUNDS):
        try:
            _mount(None, path, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            time.sleep(_PAUSE)
        else:
            return
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)


def _entries(path: str, descriptor: int) -> dict[str, str]:
    """What is in a directory: its name, and a path that still leads to it when it is covered."""
    return {name: f"{_still(descriptor)}/{name}" for name in os.listdir(path)}


def _still(descriptor: int) -> str:
    """A path that leads to what was opened, whatever covers it."""
    return f"/proc/self/fd/{descriptor}"


def _cover(path: str, entries: dict[str, str], *, read_only: bool = False) -> None:
    """Put a new directory over `path`, with `entries` in it."""
    _mount("tmpfs", path, "tmpfs", 0, "mode=755,size=1m")
    for name, source in entries.items():
        target = f"{path}/{name}"
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.mkdir(target)
            _bind(source, target, read_only=read_only)
        elif os.path.exists(source):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
            _bind(source, target, read_only=read_only)


def _bind(source: str, target: str, *, read_only: bool = False) -> None:
    _mount(source, target, None, _MS_BIND | _MS_REC)
    if read_only:
        # Flags that the mount has may not be taken from it.
        has = os.statvfs(target).f_flag
        kept = has & _KEPT_FLAGS | (_MS_RELATIME if has & _ST_RELATIME else 0)
        _mount(None, target, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, data: str | None = None
) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    if _libc().mount(*texts[:3], ctypes.c_ulong(flags), texts[3]) < 0:
        raise _error(target)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _main(task_root: str, layers: str, temporary: str, failures: str, *rest: str) -> None:
    """Enter and become a program. How that fails is written to the descriptor `failures`."""
    separator = rest.index("--")
    kept, arguments = list(rest[:separator]), rest[separator + 1 :]
    os.set_inheritable(int(failures), False)
    try:
        enter(task_root, layers, temporary, kept, as_user=True)
        os.chdir(TASK_ROOT)
        os.execve(arguments[0], arguments, os.environ)  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(int(failures), f"{error.errno} {error.filename or arguments[0]}".encode())
        os._exit(127)


if __name__ == "__main__":
    _main(*sys.argv[1:])
