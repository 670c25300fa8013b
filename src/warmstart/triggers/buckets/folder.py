"""Folders as buckets: a file that is written into one is an upload, and wakes functions.

What the functions have been told of is in a journal; everything that watching yields is
only where to look for differences to it. So nothing depends on what a watch reports of
renames and bursts, and when a server starts, it finds by the same comparison what has
happened while none ran. (In a folder that is new to the journal nothing has happened.)

An event is taken within the journal's transaction that notes it: after a kill it is
either noted, or found again. A kill between the two leads to a second event, under the
same request id; and of two servers on one journal and folder one tells of it.

Files that are not whole yet are looked at again, ever more rarely.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from types import TracebackType
from uuid import NAMESPACE_URL, uuid5

from warmstart.invoke import InvokeError
from warmstart.triggers.buckets.contents import Content, Happening, Stamp, compare, find, read
from warmstart.triggers.buckets.event import StoredObject, bucket_record
from warmstart.triggers.buckets.journal import Journal
from warmstart.triggers.buckets.notifications import Bucket
from warmstart.triggers.buckets.watch import changes
from warmstart.triggers.clock import Clock
from warmstart.triggers.enqueuer import Account, Enqueuer

__all__ = ["FolderBuckets"]

_SLICE = 100
"""Events in a transaction, and so at most those that a kill repeats."""

_SOON, _LATE = 0.05, 1.0
"""Seconds until a file that is not whole is looked at again: at first, and in the end."""

_STILL = 1.0
"""Seconds after which a file is whole of which nothing else tells that."""

_UNWATCHED = 10.0
"""Seconds between two looks at folders that cannot be watched."""

_SWEEP = 600.0
"""Seconds between two looks everywhere without a reason, since no system tells of everything:
neither of what other machines do in a shared folder, nor of all ways to change a file."""

_HALVES = 5.0
"""Seconds at most between the two halves of a renaming."""

_WHOLE = ""
_logger = logging.getLogger(__name__)

_Places = dict[str, set[str]]
"""Keys by the names of their buckets, at and below which there is something to see."""


class FolderBuckets:
    """An asynchronous context manager; entering it makes the folders that do not exist."""

    def __init__(
        self,
        path: Path,
        buckets: Iterable[Bucket],
        enqueuer: Enqueuer,
        *,
        account: Account | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._buckets = {bucket.name: bucket for bucket in buckets}
        self._enqueuer = enqueuer
        self._account = account or Account()
        self._clock = clock or Clock()
        self._places: _Places = {}
        self._changed = asyncio.Event()
        self._still: dict[tuple[str, str], tuple[Stamp, float]] = {}
        self._gone: dict[Stamp, float] = {}

    async def __aenter__(self) -> FolderBuckets:
        """Open the journal and begin to watch. Raises `OSError` or `sqlite3.Error`."""
        self._make_folders()
        self._journal = Journal(self._path)
        try:
            async with self._journal.transaction():
                for bucket in self._buckets.values():
                    if self._journal.add_bucket(bucket.name):
                        for key, stamp in find(bucket.directory, [_WHOLE]).items():
                            self._journal.put(bucket.name, key, stamp)
        except BaseException:
            self._journal.close()
            raise
        self._tasks = {asyncio.create_task(self._watch()), asyncio.create_task(self._work())}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._journal.close()

    # Watching

    async def _watch(self) -> None:
        while True:
            try:
                await self._watch_once()
            except Exception:  # the system has no more watches, or a fault of ours
                _logger.exception("Folders cannot be watched, will try again")
                await self._clock.sleep(_UNWATCHED)

    async def _watch_once(self) -> None:
        """Note where something changes, until a folder is gone, and its watch with it."""
        self._make_folders()
        folders = {bucket.name: bucket.directory for bucket in self._buckets.values()}
        async with aclosing(changes(folders)) as told:
            async for some in told:
                for name, key in some:
                    self._places.setdefault(name, set()).add(key)
                self._changed.set()

    def _make_folders(self) -> None:
        for bucket in self._buckets.values():
            bucket.directory.mkdir(parents=True, exist_ok=True)

    def _look_everywhere(self) -> None:
        for name in self._buckets:
            self._places.setdefault(name, set()).add(_WHOLE)
        self._changed.set()

    # Telling

    async def _work(self) -> None:
        delay: float | None = None
        while True:
            try:
                async with asyncio.timeout(_SWEEP if delay is None else delay):
                    await self._changed.wait()
                delay = None
            except TimeoutError:
                if delay is None:
                    self._look_everywhere()
            self._changed.clear()
            places, self._places = self._places, {}
            try:
                again = await self._tell(places)
            except Exception:  # a full disk, or a fault of ours: neither must end all buckets
                _logger.exception("What happened in buckets could not be told, will try again")
                again = places
            for name, keys in again.items():
                self._places.setdefault(name, set()).update(keys)
            delay = (_SOON if delay is None else min(2 * delay, _LATE)) if again else None

    async def _tell(self, places: _Places) -> _Places:
        """Tell of all that is new at some places; where it is to be looked again."""
        again: _Places = {}
        for name, keys in places.items():
            later = await self._tell_of(self._buckets[name], {_WHOLE} if _WHOLE in keys else keys)
            if later:
                again[name] = later
        return again

    async def _tell_of(self, bucket: Bucket, places: set[str]) -> set[str]:
        found = await asyncio.to_thread(find, bucket.directory, places)
        seen = self._journal.objects(bucket.name, places)
        happenings = compare(seen, found, self._copied(bucket, seen, found))
        later: set[str] = set()
        for start in range(0, len(happenings), _SLICE):
            some = happenings[start : start + _SLICE]
            contents = await asyncio.to_thread(_read_all, bucket.directory, some)
            whole = [each for each in some if self._is_whole(bucket, each, contents.get(each.key))]
            later |= {each.key for each in some} - {each.key for each in whole}
            async with self._journal.transaction():
                now = self._clock.now()
                taken = await asyncio.gather(
                    *(self._tell_one(bucket, each, contents.get(each.key), now) for each in whole)
                )
            later |= {each.key for each, was in zip(whole, taken, strict=True) if not was}
        return later

    def _copied(
        self, bucket: Bucket, seen: Mapping[str, Stamp], found: Mapping[str, Stamp]
    ) -> list[Stamp]:
        """New files that are others', whose renaming this look sees one half of only."""
        new = {stamp for key, stamp in found.items() if seen.get(key) != stamp}
        return [
            each for each in new if each in self._gone or self._journal.knows(bucket.name, each)
        ]

    def _remember(self, gone: Stamp) -> None:
        """The other half of a renaming may come with the next look."""
        now = self._clock.time()
        self._gone = {stamp: at for stamp, at in self._gone.items() if now - at < _HALVES}
        self._gone[gone] = now

    def _is_whole(self, bucket: Bucket, happening: Happening, content: Content | None) -> bool:
        place = (bucket.name, happening.key)
        if happening.after is None:
            self._still.pop(place, None)
            return True
        if content is None or content.stamp != happening.after or content.closed is False:
            return False
        return content.closed is True or self._has_been_still(place, content.stamp)

    def _has_been_still(self, place: tuple[str, str], stamp: Stamp) -> bool:
        now = self._clock.time()
        last, since = self._still.get(place, (None, now))
        if last != stamp:
            since = now
        self._still[place] = (stamp, since)
        if now - since < _STILL:
            return False
        del self._still[place]
        return True

    async def _tell_one(
        self, bucket: Bucket, happening: Happening, content: Content | None, now: datetime
    ) -> bool:
        """Tell the functions that want to know, and note it; false if an event was not taken."""
        if not self._journal.is_as_before(bucket.name, happening):
            return True  # another server has told of it
        name, key = happening.event_name, happening.key
        stamp = happening.after or happening.before
        what = StoredObject(key, self._journal.sequencer(now.timestamp()))
        if happening.after is not None and content is not None:
            what = StoredObject(key, what.sequencer, happening.after.size, content.etag)
        for notification in bucket.notifications:
            if not notification.wants(name, key):
                continue
            told = f"{notification.id} s3://{bucket.name}/{key} {name} {stamp}"
            request_id = str(uuid5(NAMESPACE_URL, told))
            record = bucket_record(
                self._account,
                bucket.name,
                name,
                what,
                time=now,
                request_id=request_id.replace("-", "")[:16].upper(),
                configuration_id=notification.id,
            )
            target = notification.target
            try:
                await self._enqueuer.enqueue(
                    target.function,
                    target.qualifier,
                    json.dumps({"Records": [record]}).encode(),
                    request_id=request_id,
                )
            except InvokeError as error:
                _logger.error(
                    "The function %s cannot be told of s3://%s/%s, will try again: %s",
                    target.function,
                    bucket.name,
                    key,
                    error.message,
                )
                return False
        self._journal.put(bucket.name, key, happening.after)
        if happening.after is None and happening.before is not None:
            self._remember(happening.before)
        return True


def _read_all(directory: Path, happenings: Iterable[Happening]) -> dict[str, Content]:
    contents = {}
    for happening in happenings:
        if happening.after is not None:
            content = read(directory / happening.key)
            if content is not None:
                contents[happening.key] = content
    return contents
