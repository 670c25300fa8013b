from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from aws_lambda_powertools.utilities.parser.models import S3Model

from tests.triggers.played import Queue, Time
from warmstart.triggers.buckets import folder as folder_module
from warmstart.triggers.buckets.contents import Content, read
from warmstart.triggers.buckets.folder import FolderBuckets
from warmstart.triggers.buckets.notifications import Bucket, Notification
from warmstart.triggers.clock import Clock
from warmstart.triggers.enqueuer import Target

ALL = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
VICTIM = Path(__file__).with_name("victim.py")


class Uploads:
    """A folder that is a bucket, and what its function has been told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "uploads"
        self.queue = Queue()
        self._journal = folder / "state" / "buckets.sqlite"

    @asynccontextmanager
    async def watched(self, **settings: Any) -> AsyncIterator[None]:
        settings = {"events": ALL} | settings
        notification = Notification(target=Target("work"), **settings)
        bucket = Bucket("uploads", self.folder, (notification,))
        async with FolderBuckets(self._journal, [bucket], self.queue):
            yield

    def write(self, key: str, text: str = "text") -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [
            (record["eventName"], unquote_plus(record["s3"]["object"]["key"]))
            for event in self.queue.events()
            for record in event["Records"]
        ]

    async def wait(self, done: Callable[[], bool]) -> None:
        while not done():  # noqa: ASYNC110 - what it waits for has no event of its own
            await asyncio.sleep(0.01)

    async def wait_for(self, *told: tuple[str, str]) -> None:
        await self.wait(lambda: set(told) <= set(self.told))
        assert sorted(self.told) == sorted(told)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path)


def put(key: str) -> tuple[str, str]:
    return ("ObjectCreated:Put", key)


def deleted(key: str) -> tuple[str, str]:
    return ("ObjectRemoved:Delete", key)


async def test_an_upload_is_told_as_s3_tells_it(uploads: Uploads) -> None:
    async with uploads.watched():
        uploads.write("in/my file.txt", "content")
        await uploads.wait_for(put("in/my file.txt"))

    (event,) = uploads.queue.events()
    S3Model.model_validate(event)
    told = event["Records"][0]["s3"]["object"]
    assert told["key"] == "in/my+file.txt"
    assert told["size"] == 7
    assert told["eTag"] == hashlib.md5(b"content").hexdigest()


async def test_what_is_in_a_folder_at_first_is_no_upload(uploads: Uploads) -> None:
    uploads.write("old.txt")
    async with uploads.watched():
        uploads.write("new.txt")
        await uploads.wait_for(put("new.txt"))


async def test_what_happened_while_nothing_ran_is_told(uploads: Uploads) -> None:
    uploads.write("kept.txt")
    uploads.write("gone.txt")
    uploads.write("changed.txt")
    async with uploads.watched():
        pass
    uploads.write("new.txt")
    uploads.write("changed.txt", "other")
    (uploads.folder / "gone.txt").unlink()
    async with uploads.watched():
        await uploads.wait_for(put("new.txt"), put("changed.txt"), deleted("gone.txt"))


async def test_later_events_of_a_key_have_greater_sequencers(uploads: Uploads) -> None:
    async with uploads.watched():
        for number in range(3):
            uploads.write("a.txt", "x" * number)
            await uploads.wait(lambda: len(uploads.told) > number)  # noqa: B023 - awaited at once
        (uploads.folder / "a.txt").unlink()
        await uploads.wait(lambda: len(uploads.told) == 4)

    objects = [event["Records"][0]["s3"]["object"] for event in uploads.queue.events()]
    sequencers = [each["sequencer"] for each in objects]
    assert sequencers == sorted(set(sequencers))
    assert [each.get("size") for each in objects] == [0, 1, 2, None]


async def test_a_rename_is_a_copy_and_a_deletion(uploads: Uploads) -> None:
    uploads.write("old.txt")
    uploads.write("from/a.txt")
    async with uploads.watched():
        (uploads.folder / "old.txt").rename(uploads.folder / "new.txt")
        (uploads.folder / "from").rename(uploads.folder / "to")
        await uploads.wait_for(
            ("ObjectCreated:Copy", "new.txt"),
            ("ObjectCreated:Copy", "to/a.txt"),
            deleted("old.txt"),
            deleted("from/a.txt"),
        )


@pytest.mark.parametrize("first", ["original", "copy"])
async def test_a_rename_of_which_a_look_sees_one_half_is_the_same(
    uploads: Uploads, tmp_path: Path, first: str
) -> None:
    """As when the two halves are reported apart: here one of them happens elsewhere for a while."""
    original, copy, elsewhere = (
        uploads.folder / "old.txt",
        uploads.folder / "new.txt",
        tmp_path / "elsewhere.txt",
    )
    uploads.write("old.txt")
    async with uploads.watched():
        if first == "original":
            original.rename(elsewhere)
            await uploads.wait_for(deleted("old.txt"))
            elsewhere.rename(copy)
        else:
            copy.hardlink_to(original)
            await uploads.wait_for(("ObjectCreated:Copy", "new.txt"))
            original.unlink()
        await uploads.wait_for(("ObjectCreated:Copy", "new.txt"), deleted("old.txt"))


async def test_a_file_that_gets_its_name_when_it_is_whole_is_one_upload(uploads: Uploads) -> None:
    async with uploads.watched():
        uploads.write(".a.txt.x7", "half")
        uploads.write(".a.txt.x7", "whole")
        (uploads.folder / ".a.txt.x7").replace(uploads.folder / "a.txt")
        await uploads.wait_for(put("a.txt"))


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
async def test_a_half_written_file_is_told_when_it_is_closed(uploads: Uploads) -> None:
    async with uploads.watched():
        with (uploads.folder / "slow.txt").open("w") as file:
            file.write("half")
            file.flush()
            uploads.write("other.txt")
            await uploads.wait_for(put("other.txt"))
            file.write(" whole")
        await uploads.wait_for(put("other.txt"), put("slow.txt"))

    assert uploads.queue.events()[-1]["Records"][0]["s3"]["object"]["size"] == 10


async def test_where_nothing_tells_that_a_file_is_closed_it_has_been_still(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path) -> Content | None:
        content = read(path)
        return content and Content(content.stamp, content.etag, None)

    monkeypatch.setattr(folder_module, "read", read_only)
    played = Time(datetime(2026, 11, 24, tzinfo=UTC))
    bucket = Bucket("uploads", uploads.folder, (Notification(target=Target("work")),))
    journal = uploads.folder.parent / "buckets.sqlite"
    looks: list[float] = []

    def clocked() -> float:
        looks.append(played.seconds)
        return played.seconds

    clock = Clock(time=clocked)
    async with FolderBuckets(journal, [bucket], uploads.queue, clock=clock):
        uploads.write("a.txt", "half")
        await uploads.wait(lambda: len(looks) >= 3)
        assert uploads.told == []
        uploads.write("a.txt", "whole")
        played.seconds += 1.5  # of which the file was not still for one
        seen = len(looks)
        await uploads.wait(lambda: len(looks) >= seen + 4)
        played.seconds += 1.5
        await uploads.wait_for(put("a.txt"))


async def test_only_what_is_wanted_is_told(uploads: Uploads) -> None:
    async with uploads.watched(prefix="in/", suffix=".jpg", events=("s3:ObjectCreated:Put",)):
        for key in ("in/a.txt", "a.jpg", "in/a.jpg"):
            uploads.write(key)
        await uploads.wait_for(put("in/a.jpg"))


async def test_a_burst_is_told_whole(uploads: Uploads) -> None:
    keys = [f"{number % 50}/{number}.txt" for number in range(1000)]
    async with uploads.watched():
        for key in keys:
            uploads.write(key)
        await uploads.wait(lambda: len(uploads.told) >= len(keys))
        shutil.rmtree(uploads.folder / "7")
        await uploads.wait(lambda: len(uploads.told) >= len(keys) + 20)

    seventh = [deleted(key) for key in keys if key.startswith("7/")]
    assert sorted(uploads.told) == sorted([put(key) for key in keys] + seventh)


async def test_a_folder_that_is_removed_was_emptied(uploads: Uploads) -> None:
    uploads.write("a.txt")
    async with uploads.watched():
        shutil.rmtree(uploads.folder)
        await uploads.wait_for(deleted("a.txt"))
        await uploads.wait(uploads.folder.is_dir)
        uploads.write("b.txt")
        await uploads.wait_for(deleted("a.txt"), put("b.txt"))


async def test_an_event_that_is_not_taken_is_tried_again(uploads: Uploads) -> None:
    uploads.queue.refusals = 2
    async with uploads.watched():
        uploads.write("a.txt")
        await uploads.wait_for(put("a.txt"))


async def test_two_servers_tell_of_an_upload_once(uploads: Uploads) -> None:
    keys = [f"{number}.txt" for number in range(50)]
    async with uploads.watched(), uploads.watched():
        for key in keys:
            uploads.write(key)
        await uploads.wait(lambda: len(uploads.told) >= len(keys))
        uploads.write("last.txt")
        await uploads.wait(lambda: put("last.txt") in uploads.told)

    assert sorted(uploads.told) == sorted(put(key) for key in [*keys, "last.txt"])


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX has it")
def test_no_upload_is_lost_over_kills(uploads: Uploads, tmp_path: Path) -> None:
    """2,000 uploads, and a server that is killed again and again."""
    keys = {f"{number}.txt" for number in range(2000)}
    taken = tmp_path / "taken.txt"
    uploads.folder.mkdir()

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, VICTIM, uploads.folder, tmp_path / "b.sqlite", taken],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def told() -> list[dict[str, Any]]:
        lines = taken.read_text().split("\n") if taken.exists() else []
        return [json.loads(line) for line in lines[:-1]]

    def kill(process: subprocess.Popen[bytes], enough: Callable[[], bool]) -> None:
        with process:
            while not enough():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        with taken.open("rb+") as file:  # the kill may have cut the last line
            file.truncate(file.read().rfind(b"\n") + 1)

    process = start()
    for number, key in enumerate(sorted(keys)):
        uploads.write(key)
        if number % 400 == 399:
            before = len(told())
            kill(process, lambda: len(told()) > before)  # noqa: B023 - called at once
            process = start()
    kill(process, lambda: {each["key"] for each in told()} == keys)

    ids: dict[str, set[str]] = {}
    for each in told():
        ids.setdefault(each["key"], set()).add(each["request_id"])
    assert all(len(found) == 1 for found in ids.values())
