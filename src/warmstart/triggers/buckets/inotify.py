"""What Linux's inotify tells of the trees below folders.

inotify watches a directory, and nothing below it. So a directory that comes is watched, with
all below it, before it is told of: whoever then looks there misses nothing. One that is moved
away is not watched any more, since what happens in it would be told under its old name; where
it comes to lie, it is watched again.

The words of one change are several: a file is made, written, closed. So they are read a
moment after the first, all at once. That a file is written is no word of interest, it has
to be closed first; one that is cut to a length without being opened is told of by nothing.

https://man7.org/linux/man-pages/man7/inotify.7.html
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from inotify_simple import INotify, flags

__all__ = ["told_by_inotify"]

_PAUSE = 0.005
"""Seconds from the first word of something until all are read."""

_COMES = flags.CREATE | flags.MOVED_TO
_GONE = flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT
_ALL = _COMES | _GONE | flags.CLOSE_WRITE | flags.ATTRIB | flags.MOVED_FROM | flags.DELETE
_DIRECTORY = flags.ONLYDIR | flags.DONT_FOLLOW


async def told_by_inotify(folders: Mapping[str, Path]) -> AsyncGenerator[set[tuple[str, str]]]:
    """Yield as `changes` does."""
    with INotify() as inotify:
        watches = _Watches(inotify, {name: path.resolve() for name, path in folders.items()})
        yield {(name, "") for name in folders}
        while watches.complete:
            await _readable(inotify.fileno())
            await asyncio.sleep(_PAUSE)
            if changes := set(watches.read()):
                yield changes


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)


class _Watches:
    """All directories of the folders, but for hidden ones. A directory may be in several folders.

    When `complete` is not true any more, something may have been missed.
    """

    def __init__(self, inotify: INotify, folders: Mapping[str, Path]) -> None:
        self.complete = True
        self._inotify = inotify
        self._folders = folders
        self._places: dict[int, set[tuple[str, str]]] = {}
        for name in folders:
            self._add(name, "")

    def read(self) -> Iterator[tuple[str, str]]:
        """Where something has changed since the last call."""
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                self.complete = False
            if event.name.startswith("."):
                continue
            for name, key in list(self._places.get(event.wd, ())):
                if event.mask & _GONE and not key:
                    self.complete = False
                place = "/".join(filter(None, (key, event.name)))
                if event.mask & flags.ISDIR and event.name:
                    self._follow(event.mask, name, place)
                yield name, place
            if event.mask & flags.IGNORED:  # the system has taken it away, with its directory
                self._places.pop(event.wd, None)

    def _follow(self, mask: int, name: str, key: str) -> None:
        if mask & flags.MOVED_FROM:
            self._remove(name, key)
        elif mask & _COMES:
            self._add(name, key)

    def _add(self, name: str, key: str) -> None:
        path = self._folders[name] / key
        try:
            watch = self._inotify.add_watch(path, _ALL | _DIRECTORY)
            self._places.setdefault(watch, set()).add((name, key))
            with os.scandir(path) as entries:
                below = [each.name for each in entries if each.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            if not key:
                raise
            return  # it has changed again, which is yet to be read
        for each in below:
            if not each.startswith("."):
                self._add(name, f"{key}/{each}" if key else each)

    def _remove(self, name: str, key: str) -> None:
        for watch, places in list(self._places.items()):
            moved = {
                place
                for place in places
                if place[0] == name and f"{place[1]}/".startswith(f"{key}/")
            }
            places.difference_update(moved)
            if moved and not places:
                del self._places[watch]
                with suppress(OSError):  # the directory is gone, and its watch with it
                    self._inotify.rm_watch(watch)
