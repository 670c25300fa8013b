"""Compiles a tree for the target's Python, if that one is on this machine.

Lambda mounts code read-only, so that what is not compiled here is compiled at
every cold start there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from warmstart.bundle.target import Target

__all__ = ["compile_tree", "interpreter"]

_TASK_ROOT = "/var/task"


def interpreter(target: Target) -> str | None:
    """A Python of the target's version here; `None` if there is none."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == target.python:
        return sys.executable
    found = shutil.which(f"python{target.python}")
    if found is None:
        return None
    # A version manager's stand-in may be there without the version that it stands for.
    works = subprocess.run([found, "-S", "-c", ""], capture_output=True, check=False)
    return found if works.returncode == 0 else None


def compile_tree(directory: Path, python: str, root: str = _TASK_ROOT) -> None:
    """Write the bytecode of every module in a tree, with the paths it will have below `root`.

    It is made without timestamps, and is never compared with its source: the
    bytes depend on the sources alone, and no file is looked at twice at import.
    A file that is no valid Python (a template) is left without.
    """
    command = [
        *(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(directory), "-p", root, str(directory)),
    ]
    # Sets of constants are written in the order of their hashes.
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    subprocess.run(command, env=environment, capture_output=True, check=False)
