"""Directories of code: sealed against changes, merged, checked and removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from warmstart.service.state.errors import InvalidZip

__all__ = ["check_links", "merge", "remove", "seal"]

_SEALED = 0o555
_OPEN = 0o755


def merge(trees: Sequence[Path], target: Path) -> None:
    """Make `target` of the trees, in order, with hard links where the file system has them.

    A path of a later tree replaces an earlier one's, but directories are joined.

    Raises:
        InvalidZip: in the whole, a link leads out of it.
        OSError: it could not be made.
    """
    target.mkdir()
    for tree in trees:
        for folder, folders, files in os.walk(tree):
            place = target / Path(folder).relative_to(tree)
            # A link of an earlier tree may be what this one has as a directory.
            _check_inside(target, place)
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    _place(Path(folder, name), place / name)
                elif not (place / name).is_dir():
                    _clear(place / name)
                    (place / name).mkdir()
            for name in files:
                _place(Path(folder, name), place / name)
    check_links(target)
    seal(target)


def _place(source: Path, target: Path) -> None:
    _clear(target)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # no hard links here, or too many of this file
        shutil.copy2(source, target, follow_symlinks=False)


def _clear(path: Path) -> None:
    """Make room for something of another kind, or of a later tree."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_links(root: Path) -> None:
    """See that no symbolic link leads out of the tree, whether or not it leads to something.

    Raises:
        InvalidZip: one does; the message names it.
    """
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink():
                _check_inside(root, path)


def _check_inside(root: Path, path: Path) -> None:
    end, top = os.path.realpath(path), os.path.realpath(root)
    if end != top and not end.startswith(top + os.sep):
        link = path.relative_to(root)
        raise InvalidZip(f"the symbolic link '{link}' leads out of the archive, to '{end}'")


def seal(root: Path) -> None:
    """Take the right to change the directories; the files have lost theirs when they were made."""
    for folder, _, _ in os.walk(root, topdown=False):
        os.chmod(folder, _SEALED)


def remove(path: Path) -> None:
    """Delete a file or a sealed tree, if it is there.

    Raises:
        OSError: it could not be deleted.
    """
    if path.is_dir() and not path.is_symlink():
        os.chmod(path, _OPEN)
        for folder, folders, _ in os.walk(path):
            for name in folders:
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, _OPEN)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
