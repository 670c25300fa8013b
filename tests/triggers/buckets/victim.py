"""A server that is killed: `victim.py FOLDER JOURNAL TAKEN` writes down the events that it took."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from warmstart.triggers.buckets.folder import FolderBuckets
from warmstart.triggers.buckets.notifications import Bucket, Notification
from warmstart.triggers.enqueuer import Target


class File:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a")

    async def enqueue(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        request_id: str | None = None,
    ) -> None:
        key = json.loads(payload)["Records"][0]["s3"]["object"]["key"]
        print(json.dumps({"key": key, "request_id": request_id}), file=self._file, flush=True)


async def main(folder: Path, journal: Path, taken: Path) -> None:
    bucket = Bucket("uploads", folder, (Notification(target=Target("work")),))
    async with FolderBuckets(journal, [bucket], File(taken)):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


asyncio.run(main(*map(Path, sys.argv[1:])))
