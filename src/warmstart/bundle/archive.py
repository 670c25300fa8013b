"""Zip files whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_archive"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can say."""


def write_archive(path: Path | BinaryIO, entries: Mapping[str, Path]) -> None:
    """Write the files under their names in the archive, sorted, with one time for all.

    All can be read by anyone, since Lambda runs functions as a user of its own;
    what is executable here is executable there.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(entries):
            source = entries[name]
            executable = source.stat().st_mode & stat.S_IXUSR
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever this runs
            archive.writestr(entry, source.read_bytes(), compresslevel=9)
