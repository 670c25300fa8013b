"""Unpack a zip archive that nobody vouches for.

An archive may hold too much, lie about what it holds, and name places outside of
its directory, itself or through symbolic links. So all is judged from the archive's
own list before anything is written, nothing is written through a link, as links are
made last, and where links lead is seen on the disk.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from warmstart.service.state.errors import InvalidZip, TooLarge
from warmstart.service.state.tree import check_links, seal

__all__ = ["MAX_UNZIPPED", "unpack", "unzipped_size"]

MAX_UNZIPPED = 262_144_000
"""Bytes; the text of AWS's error says that an archive must unpack to less."""

_ENCRYPTED = 0x1
_IMPOSSIBLE = {
    errno.EEXIST,
    errno.EILSEQ,
    errno.EINVAL,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
}


def unzipped_size(archive: bytes) -> int:
    """The bytes that the archive unpacks to.

    Raises:
        InvalidZip: it is not a zip file.
        TooLarge: they are `MAX_UNZIPPED` or more.
    """
    with _opened(archive) as opened:
        return _checked_size(opened)


def unpack(archive: bytes, target: Path) -> None:
    """Unpack into a new directory: read-only, with the right to execute kept.

    Raises:
        InvalidZip: it cannot be unpacked, or would write outside of the directory.
        TooLarge: it holds `MAX_UNZIPPED` bytes or more.
        OSError: it could not be written.
    """
    with _opened(archive) as opened, _possible_names():
        _checked_size(opened)
        entries = {_path(info): info for info in opened.infolist()}
        _check_nesting(entries)
        target.mkdir()
        for folder in {path if info.is_dir() else path.parent for path, info in entries.items()}:
            (target / folder).mkdir(parents=True, exist_ok=True)
        links = {path: info for path, info in entries.items() if _is_link(info)}
        for path, info in entries.items():
            if not info.is_dir() and path not in links:
                _extract(opened, info, os.path.join(target, path))
        for path, info in links.items():
            (target / path).symlink_to(os.fsdecode(opened.read(info)))
    if links:
        check_links(target)
    seal(target)


@contextmanager
def _opened(archive: bytes) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            yield opened
    except (
        zipfile.BadZipFile,
        zlib.error,
        LZMAError,
        EOFError,
        NotImplementedError,  # a compression that Python does not know
        ValueError,  # names and numbers that cannot be
        UnicodeError,
    ) as error:
        # The text is AWS's own.
        raise InvalidZip(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error


@contextmanager
def _possible_names() -> Iterator[None]:
    """Tell names that no file can have from a disk that fails."""
    try:
        yield
    except OSError as error:
        if error.errno not in _IMPOSSIBLE:
            raise
        name = os.path.basename(error.filename2 or error.filename or "")
        raise InvalidZip(
            f"the archive's entry {name[:100]!r} cannot be made: {error.strerror}"
        ) from error


def _checked_size(opened: zipfile.ZipFile) -> int:
    # `zipfile` reads no more of an entry than the list says, so the sum holds.
    size = sum(info.file_size for info in opened.infolist())
    if size >= MAX_UNZIPPED:
        raise TooLarge(f"Unzipped size must be smaller than {MAX_UNZIPPED} bytes")
    return size


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _path(info: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(info.filename)
    if path.is_absolute() or ".." in path.parts:
        raise InvalidZip(f"the archive's entry {info.filename!r} leads out of the archive")
    if info.flag_bits & _ENCRYPTED:
        raise InvalidZip(f"the archive's entry {info.filename!r} is encrypted")
    return path


def _check_nesting(entries: dict[PurePosixPath, zipfile.ZipInfo]) -> None:
    for path, info in entries.items():
        for parent in path.parents:
            above = entries.get(parent)
            if above is not None and not above.is_dir():
                raise InvalidZip(
                    f"the archive's entry {info.filename!r} is within {above.filename!r},"
                    " which is not a directory"
                )


def _extract(opened: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> None:
    executable = info.external_attr >> 16 & 0o111
    with opened.open(info) as source, open(path, "xb") as target:
        shutil.copyfileobj(source, target)
        os.fchmod(target.fileno(), 0o444 | executable)
