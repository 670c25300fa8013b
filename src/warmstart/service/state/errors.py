"""What can be wrong with the service's directory. Each message says where, and what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

__all__ = [
    "CorruptState",
    "DirectoryInUse",
    "InvalidZip",
    "NewerState",
    "StateError",
    "StorageFault",
    "StorageFull",
    "TooLarge",
    "translated",
]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StateError(Exception):
    """The state cannot be read or kept."""


class DirectoryInUse(StateError):
    """Another process holds the directory. `pid` is its id, if it could be read."""

    def __init__(self, path: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"{path.parent} is in use by {holder}: stop that one, or choose another directory"
        )
        self.pid = pid


class NewerState(StateError):
    """The file was written by a newer release."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        super().__init__(
            f"{path} was written by a newer warmstart (schema {version}, this one knows {known}):"
            " use that release, or choose another directory"
        )


class CorruptState(StateError):
    """The file is damaged. It is left as it is."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}); nothing was changed in it:"
            " put back a copy of it, or move it away to start empty"
        )


class StorageFull(StateError):
    """There was no room for a write; what was written before it is kept."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"no room to write {path} ({reason}): free some space and try again")


class StorageFault(StateError):
    """The file cannot be read or written, for another reason than being full or damaged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be read or written: {reason}")


class InvalidZip(StateError):
    """An archive of code that cannot be unpacked, or must not be."""


class TooLarge(StateError):
    """An archive of code that holds more than AWS allows."""


def translated(path: Path, error: sqlite3.Error | OSError) -> StateError:
    """The error of ours for one of SQLite's or of the operating system's."""
    if isinstance(error, OSError):
        full = error.errno in _NO_ROOM
        return (StorageFull if full else StorageFault)(path, error.strerror or str(error))
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return CorruptState(path, str(error))
    return (StorageFull if code == sqlite3.SQLITE_FULL else StorageFault)(path, str(error))
