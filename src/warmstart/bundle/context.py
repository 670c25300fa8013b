"""What a Docker build gets: a tar archive whose bytes depend on nothing but what is in it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_context"]


def write_context(file: BinaryIO, dockerfile: str, trees: Mapping[str, Path]) -> None:
    """Write a build's context: the Dockerfile, and directories under their names.

    Times and owners are the same for all, and anyone can read all of it: functions run
    as a user who owns none of it.
    """
    with tarfile.open(fileobj=file, mode="w") as archive:
        content = dockerfile.encode()
        entry = _neutral(tarfile.TarInfo("Dockerfile"))
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        for name, tree in trees.items():
            for path in sorted([tree, *tree.rglob("*")]):
                inner = (Path(name) / path.relative_to(tree)).as_posix()
                archive.add(path, inner, recursive=False, filter=_neutral)


def _neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    executable = entry.isdir() or entry.mode & 0o100
    entry.mode = 0o755 if executable else 0o644
    return entry
