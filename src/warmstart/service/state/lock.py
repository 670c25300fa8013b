"""One process at a time on a directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from warmstart.service.state.errors import DirectoryInUse, translated

__all__ = ["Lock"]


class Lock:
    """Held from its making until `release`, or until the process ends, however it ends.

    The file stays: removing it would let two processes lock two files of one name.

    Raises:
        DirectoryInUse: another process holds it; the file says which.
        StateError: the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise translated(path, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.truncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).strip()
            os.close(self._file)
            if isinstance(error, BlockingIOError):
                pid = int(holder) if holder.isdigit() else None
                raise DirectoryInUse(path, pid) from error
            raise translated(path, error) from error

    def release(self) -> None:
        """Let others have it."""
        os.close(self._file)
