"""Buckets of S3-compatible servers that post here what happens: SeaweedFS, MinIO and their like.

    server ── POST /_warmstart/push/s3 ─▶ Door ─▶ ServerBuckets ─▶ AsyncInvocations
           ◀── ListObjectsV2 ── what no post has told of

A post is acknowledged once its events are kept. But a server does not try for ever while
nobody listens, and one that is killed may have posted nothing. So what functions have been
told of is noted, and the bucket is listed and compared with that: when we start, when a
post's events could not be kept, and now and then. (In a bucket that is new to the notes
nothing has happened.)

An event is noted after it was taken: a kill between the two leads to a second one, under
the same request id. So does a post of something that a listing had shown before.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from warmstart.invoke import InvokeError
from warmstart.triggers.buckets.event import StoredObject, bucket_record
from warmstart.triggers.buckets.notices import Notice, read_notices
from warmstart.triggers.buckets.notifications import ServerBucket
from warmstart.triggers.buckets.seaweed import Change, created, read_changes
from warmstart.triggers.buckets.stored import Stored, Told
from warmstart.triggers.buckets.telling import tell
from warmstart.triggers.clients import Clients
from warmstart.triggers.clock import Clock
from warmstart.triggers.enqueuer import Account, Enqueuer
from warmstart.triggers.push.push import Push, Refused

__all__ = ["ServerBuckets"]

_SOON, _LATE = 1.0, 30.0
"""Seconds until a listing is made again that failed, or showed what could not be told: at
first, and in the end."""

_SWEEP = 600.0
"""Seconds between two listings without a reason."""

_logger = logging.getLogger(__name__)


class ServerBuckets:
    """Takes the pushes of their kind. An asynchronous context manager."""

    def __init__(
        self,
        path: Path,
        buckets: Iterable[ServerBucket],
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
        self._missed = asyncio.Event()
        self._touched: set[tuple[str, str]] = set()
        self._last = 0

    async def __aenter__(self) -> ServerBuckets:
        """Open the notes and begin to list. Raises `OSError` or `sqlite3.Error`."""
        self._told = Told(self._path)
        self._missed.set()
        self._sweeper = asyncio.create_task(self._sweep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sweeper.cancel()
        await asyncio.wait({self._sweeper})
        self._told.close()

    # Posts

    async def receive(self, push: Push) -> int:
        """Tell of what a post brings; 200 once that is kept."""
        push.must_be_trusted()
        try:
            told = list(self._read(push.request.body))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Refused(400, f"It is no event of a bucket: {error!r}") from None
        try:
            for notice, after, identity in told:
                await self._tell(notice, after, identity)
        except Exception:
            self._missed.set()
            raise
        return 200

    def _read(self, body: bytes) -> Iterator[tuple[Notice, Stored | None, str]]:
        """Events, what their objects are now, and what tells them from others."""
        posted = json.loads(body)
        if "event_type" in posted:
            for change in read_changes(posted):
                yield self._notice(change), change.after, change.identity
            return
        for notice in read_notices(body.decode()):
            after = None
            (record,) = notice.event["Records"]
            told = record["s3"]["object"]
            if notice.event_name.startswith("ObjectCreated:"):
                after = Stored(told.get("size", 0), told["eTag"])
            place = f"s3://{notice.bucket}/{notice.key}"
            yield notice, after, f"{place} {notice.event_name} {told.get('sequencer')}"

    async def _tell(self, notice: Notice, after: Stored | None, identity: str) -> None:
        bucket = self._buckets.get(notice.bucket)
        if bucket is None:
            return
        self._touched.add((notice.bucket, notice.key))
        await tell(self._enqueuer, bucket.notifications, notice, identity)
        if after is not None or notice.event_name.startswith("ObjectRemoved:"):
            self._told.put(notice.bucket, notice.key, after)

    def _notice(self, change: Change) -> Notice:
        """The event that S3 would send."""
        now = self._clock.now()
        self._last = max(self._last + 1, int(now.timestamp() * 1e9))
        what = StoredObject(change.key, f"{self._last:018X}")
        if change.after is not None:
            what = StoredObject(change.key, what.sequencer, change.after.size, change.after.etag)
        record = bucket_record(
            self._account,
            change.bucket,
            change.event_name,
            what,
            time=now,
            request_id=what.sequencer[-16:],
        )
        return Notice(change.bucket, change.event_name, change.key, {"Records": [record]})

    # Listings

    async def _sweep(self) -> None:
        delay = _SOON
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP):
                    await self._missed.wait()
            self._missed.clear()
            for bucket in self._buckets.values():
                try:
                    await self._catch_up(bucket)
                except Exception as error:  # noqa: BLE001 - botocore's many, and a fault of ours
                    _logger.error(
                        "s3://%s at %s may have changed untold, will try again: %r",
                        bucket.name,
                        bucket.url,
                        error,
                    )
                    self._missed.set()
            if self._missed.is_set():
                await self._clock.sleep(delay)
                delay = min(2 * delay, _LATE)
            else:
                delay = _SOON

    async def _catch_up(self, bucket: ServerBucket) -> None:
        """Tell of all that differs from what was told, but for what posts tell meanwhile."""
        name = bucket.name
        self._touched.clear()
        found = await asyncio.to_thread(_list, bucket, self._account.region)
        if not self._told.knows_bucket(name):
            self._told.add_bucket(name, found)
            return
        for change in _differences(name, self._told.objects(name), found):
            if (name, change.key) in self._touched:
                continue
            try:
                await self._tell(self._notice(change), change.after, change.identity)
            except InvokeError as error:  # of one function; the others shall hear of the rest
                _logger.error("%s cannot be told: %s", change.identity, error.message)
                self._missed.set()


def _differences(
    bucket: str, told: Mapping[str, Stored], found: Mapping[str, Stored]
) -> Iterator[Change]:
    for key, stored in sorted(found.items()):
        before = told.get(key)
        if before is None or not before.may_be(stored):
            yield Change(bucket, key, created(stored), before, stored)
    for key in sorted(told.keys() - found.keys()):
        yield Change(bucket, key, "ObjectRemoved:Delete", told[key], None)


def _list(bucket: ServerBucket, region: str) -> dict[str, Stored]:
    client = Clients({"s3": bucket.url}).get("s3", region)
    found: dict[str, Stored] = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name):
        for each in page.get("Contents", []):
            modified = int(each["LastModified"].timestamp())
            found[each["Key"]] = Stored(each["Size"], each["ETag"].strip('"'), modified)
    return found
