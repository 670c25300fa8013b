"""The directories that environments have on this host, in the one for temporary files.

They bear this process's id in their names. What a service has left that was killed is
found by it, and removed when the next one starts.
"""

from __future__ import annotations

import os
import shutil
import stat
from functools import partial
from pathlib import Path

from warmstart.service.environments.ending import bearing, end_all

__all__ = ["is_gone", "make_directory", "sweep_directories"]

_NAME = "warmstart"


def make_directory(parent: Path, environment_id: str, mode: int = 0o700) -> Path:
    """Make an environment's directory. Raises `OSError`."""
    directory = parent / f"{_NAME}-{os.getpid()}-{environment_id}"
    directory.mkdir()
    directory.chmod(mode)  # whatever the umask
    return directory


def sweep_directories(parent: Path) -> None:
    """Remove those of services that are gone, and end the processes of their environments."""
    for directory in parent.glob(f"{_NAME}-*-*"):
        _, pid, environment_id = directory.name.split("-", 2)
        if pid.isdecimal() and is_gone(int(pid)) and _is_ours(directory):
            end_all(partial(bearing, environment_id))
            shutil.rmtree(directory, ignore_errors=True)


def is_gone(pid: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _is_ours(directory: Path) -> bool:
    """Whether we made it. One that another service that starts now has removed is not.

    Nor is a link: anybody can make one, with a name for which we would end processes.
    """
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
