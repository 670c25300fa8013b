"""Where something has changed in folders, as the system tells it.

On Linux inotify does, which costs nothing while nothing happens. Elsewhere it is watchfiles,
which looks fifty times a second whether it was told of something. So it is on Linux if
`WATCHFILES_FORCE_POLLING` is set, for folders of which inotify tells nothing: another
machine's, and Windows' own within WSL.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

__all__ = ["Change", "changes"]

Change = tuple[str, str]
"""A folder's name, and a key in it at or below which something may have changed: everywhere
in the folder, if the key is empty."""

_STEP = 20
"""Milliseconds without a change after which watchfiles reports those before."""

_BURST = 1000
"""From so many changes on watchfiles may have reported less than there were."""


def changes(folders: Mapping[str, Path]) -> AsyncGenerator[set[Change]]:
    """Yield what changes in folders, by their names, until it may have missed something.

    Then it is to be begun anew: a folder was removed, or more happened than it was told of.
    The first that it yields is all folders. From then on nothing is missed, if nothing is
    awaited until the second is asked for.

    Raises:
        OSError: the system has no more watches, or a folder is not there.
    """
    if sys.platform == "linux" and not os.environ.get("WATCHFILES_FORCE_POLLING"):
        from warmstart.triggers.buckets.inotify import told_by_inotify

        return told_by_inotify(folders)
    return _told_by_watchfiles(folders)


async def _told_by_watchfiles(folders: Mapping[str, Path]) -> AsyncGenerator[set[Change]]:
    directories = {name: directory.resolve() for name, directory in folders.items()}
    everywhere = {(name, "") for name in folders}
    yield everywhere
    watching = awatch(
        *directories.values(),
        watch_filter=None,
        step=_STEP,
        debounce=10 * _STEP,
        rust_timeout=60_000,
    )
    async with aclosing(watching):
        async for found in watching:
            if len(found) >= _BURST:
                yield everywhere
            else:
                yield {change for _, path in found for change in _places(path, directories)}
            if not all(directory.is_dir() for directory in directories.values()):
                return


def _places(path: str, directories: Mapping[str, Path]) -> Iterator[Change]:
    for name, directory in directories.items():
        if Path(path).is_relative_to(directory):
            key = Path(path).relative_to(directory).as_posix()
            yield name, "" if key == "." else key
