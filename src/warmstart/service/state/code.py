"""Code and layers by their content: each archive is kept, unpacked, and merged once.

    code/archives/<sha256>.zip    as it came; on the disk before `add` returns
    code/trees/<sha256>/          unpacked from it
    code/layers/<sha256>/         trees merged in order, of hard links

Whatever is there under its own name is whole: it was made under a name that begins
with a dot, beside it, and moved. What a crash left half-made is removed at the next
start; trees and layers that are missing are made anew from the archives. Only the
archives are waited for until they are on the disk: after the whole machine has gone
down, all else is made anew, too. All are named in hexadecimal, as base64 may hold a
slash.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from warmstart.service.state.archive import unpack, unzipped_size
from warmstart.service.state.errors import translated
from warmstart.service.state.tree import merge, remove

__all__ = ["Code", "CodeStore"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Code:
    """An archive. `sha256` is in base64, AWS's `CodeSha256`; the sizes are in bytes."""

    sha256: str
    size: int
    unzipped_size: int


class CodeStore:
    """Its calls read and write files and may take seconds; threads may call them side by side."""

    def __init__(self, directory: Path) -> None:
        self._archives = directory / "code" / "archives"
        self._trees = directory / "code" / "trees"
        self._layers = directory / "code" / "layers"
        for folder in (self._archives, self._trees, self._layers):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for unfinished in folder.glob(".*"):
                    remove(unfinished)
            except OSError as error:
                raise translated(folder, error) from error
        (directory / "code").chmod(0o700)  # code may hold secrets; containers get it mounted
        self._forget_if_rebooted(directory / "code" / "boot")

    def _forget_if_rebooted(self, mark: Path) -> None:
        """Remove what may not have got to the disk before the machine went down."""
        try:
            boot = _BOOT.read_text()
        except OSError:
            return  # only Linux tells
        try:
            if not mark.exists() or mark.read_text() != boot:
                for path in [*self._trees.iterdir(), *self._layers.iterdir()]:
                    remove(path)
                mark.write_text(boot)
        except OSError as error:
            raise translated(mark, error) from error

    def add(self, archive: bytes) -> Code:
        """Keep and unpack a zip archive; one that is there already is left as it is.

        Raises:
            InvalidZip: it is not a zip file, or would write outside of its own directory.
            TooLarge: it unpacks to more than AWS allows.
            StateError: it could not be kept.
        """
        digest = hashlib.sha256(archive).digest()
        size = unzipped_size(archive)
        _make(self._trees / digest.hex(), lambda new: unpack(archive, new))
        # Trees can be made again, so only the archive has to be on the disk.
        path = _make(self._archives / f"{digest.hex()}.zip", lambda new: _write(archive, new))
        _sync(path.parent)
        return Code(base64.b64encode(digest).decode(), len(archive), size)

    def directory(self, sha256: str) -> Path:
        """The unpacked code, read-only.

        Raises:
            StateError: there is no such archive, or it could not be unpacked.
        """
        archive = self.archive(sha256)
        return _make(self._trees / _hex(sha256), lambda new: unpack(archive.read_bytes(), new))

    def archive(self, sha256: str) -> Path:
        """The archive as it came. Raises `StateError` if it was never added."""
        path = self._archives / f"{_hex(sha256)}.zip"
        if not path.exists():
            raise translated(path, FileNotFoundError(2, os.strerror(2)))
        return path

    def layers(self, sha256s: Sequence[str]) -> Path:
        """Layers merged into one read-only directory; of two with a path, the later counts.

        Raises:
            InvalidZip: together they hold a link that leads out of the directory.
            StateError: one of them is not there, or they could not be merged.
        """
        trees = [self.directory(sha256) for sha256 in sha256s]
        name = hashlib.sha256("\n".join(sha256s).encode()).hexdigest()
        return _make(self._layers / name, lambda new: merge(trees, new))

    def collect(self, used: Collection[str]) -> None:
        """Delete all code but that of these archives, and all merged layers.

        Call it when no code is being added and no environment runs; merged layers
        are made again when they are asked for.

        Raises:
            StateError: something could not be deleted.
        """
        keep = {_hex(sha256) for sha256 in used}
        for path in [*self._archives.iterdir(), *self._trees.iterdir(), *self._layers.iterdir()]:
            if path.parent == self._layers or path.name.removesuffix(".zip") not in keep:
                try:
                    remove(path)
                except OSError as error:
                    raise translated(path, error) from error


def _hex(sha256: str) -> str:
    return base64.b64decode(sha256).hex()


def _make(path: Path, fill: Callable[[Path], None]) -> Path:
    """The path, made whole by `fill` under another name unless it is there."""
    if path.exists():
        return path
    # In the same directory, as moving a read-only directory to another one is not allowed.
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fill(new)
        if not path.exists():
            new.rename(path)
    except OSError as error:
        if not path.exists():  # else another thread was faster
            raise translated(path, error) from error
    finally:
        remove(new)
    return path


def _write(archive: bytes, path: Path) -> None:
    with path.open("xb") as file:
        file.write(archive)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    """Put the directory's names on the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
