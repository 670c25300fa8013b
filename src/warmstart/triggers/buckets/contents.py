"""What is in a folder that is a bucket, and what has happened to it since the last look.

An upload is a file that has been written as a whole. On Linux a file that a process
has open for writing is told by a lease on it, which is refused then; where there are
no leases, the file must have been still for a while.

Hidden files (their names, or their folders', begin with a dot) are no objects: editors
and rsync write such a one first, and then give it its name. Nor are symbolic links.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

__all__ = ["Content", "Happening", "Stamp", "compare", "find", "read"]

_MAX_KEY = 1024
"""Bytes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""


class Stamp(NamedTuple):
    """What a file is told by; any upload to the same key changes a part of it."""

    size: int
    modified: int
    inode: int


@dataclass(frozen=True, slots=True)
class Content:
    """A file that was read. `closed` is `None` if it cannot be told."""

    stamp: Stamp
    etag: str
    closed: bool | None


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a key: what it was before and what it is now, `None` for nothing."""

    event_name: str
    key: str
    before: Stamp | None
    after: Stamp | None


def compare(
    seen: Mapping[str, Stamp], found: Mapping[str, Stamp], copied: Collection[Stamp] = ()
) -> list[Happening]:
    """What has happened, in the order in which it is told.

    S3 cannot rename: to its clients that is a copy, and a deletion of the original.
    `copied` are stamps of originals that another look has seen, or will see go.
    """
    removed = {key: stamp for key, stamp in seen.items() if key not in found}
    moved = {*removed.values(), *copied}
    happenings = [
        Happening(
            "ObjectCreated:Copy" if stamp in moved else "ObjectCreated:Put",
            key,
            seen.get(key),
            stamp,
        )
        for key, stamp in sorted(found.items())
        if seen.get(key) != stamp
    ]
    happenings += [
        Happening("ObjectRemoved:Delete", key, stamp, None)
        for key, stamp in sorted(removed.items())
    ]
    return happenings


def find(directory: Path, places: Iterable[str]) -> dict[str, Stamp]:
    """The objects at and below some keys of a folder; the empty key is the folder itself."""
    found: dict[str, Stamp] = {}
    for place in places:
        if not any(part.startswith(".") for part in place.split("/")):
            found.update(_walk(directory / place, place))
    return found


def _walk(path: Path, key: str) -> Iterator[tuple[str, Stamp]]:
    try:
        if path.is_symlink():
            return
        if not path.is_dir():
            if _is_key(key):
                yield key, _stamp(path.stat())
            return
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        yield from _walk(path / name, f"{key}/{name}" if key else name)


def _is_key(key: str) -> bool:
    try:
        return 0 < len(key.encode()) <= _MAX_KEY
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False


def read(path: Path) -> Content | None:
    """Read a file that may be an upload; `None` if it is gone, or changes meanwhile."""
    try:
        with path.open("rb") as file:
            before = _stamp(os.fstat(file.fileno()))
            closed = _is_closed(file.fileno())
            if closed is False:
                return Content(before, "", closed)
            etag = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return Content(before, etag.hexdigest(), closed) if _stamp(path.stat()) == before else None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _is_closed(descriptor: int) -> bool | None:
    """Whether nobody has a file open for writing; `None` if that cannot be told."""
    try:
        import fcntl

        # A writer who comes while we have the lease is told of to us by this signal, which is
        # ignored unless somebody wants it. The default one, SIGIO, ends the process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return False
    except (ImportError, AttributeError, OSError):  # no Linux, no file of ours, no such file system
        return None
    return True


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
