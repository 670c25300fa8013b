"""Which of the installed files a function does without. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath

__all__ = ["is_needed"]

_BYPRODUCTS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
"""What an installer notes for its own use. METADATA and entry points are read at run time."""

_TYPES = {".pyi", ".pyc", ".pxd", ".pyx", ".c", ".h", ".cpp", ".hpp", ".a"}


def is_needed(path: PurePosixPath) -> bool:
    """Whether an installed file, by its path below the target directory, is of use at run time.

    Left out are command-line scripts (they name this machine's Python), notes of
    the installer, stubs and sources of compiled modules, and bytecode, which is
    made anew for the target. Packages' own data and tests stay: some are imported.
    """
    first = path.parts[0]
    if first in ("bin", "include", "share") and len(path.parts) > 1:
        return False
    if "__pycache__" in path.parts or path.suffix in _TYPES or path.name == ".lock":
        return False
    return not (path.parent.suffix == ".dist-info" and path.name in _BYPRODUCTS)
