from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warmstart.triggers.buckets.contents import Stamp, find
from warmstart.triggers.buckets.watch import Change, changes

LIMIT = Path("/proc/sys/fs/inotify/max_queued_events")
QUEUED = int(LIMIT.read_text()) if LIMIT.exists() else 0

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PATHS),
        st.tuples(st.just("make"), PATHS),
        st.tuples(st.just("remove"), PATHS),
        st.tuples(st.just("move"), PATHS, PATHS),
        st.tuples(st.just("move in"), PATHS, PATHS),
        st.just(("look",)),
    ),
    max_size=12,
)


async def until(told: AsyncGenerator[set[Change]], change: Change) -> set[Change]:
    """All changes up to one."""
    found: set[Change] = set()
    while change not in found:
        found |= await anext(told)
    return found


@pytest.fixture(params=["of the system", "watchfiles"])
def watching(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "watchfiles":
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "1")


@pytest.mark.usefixtures("watching")
async def test_what_is_in_a_new_folder_is_told(tmp_path: Path) -> None:
    async with aclosing(changes({"uploads": tmp_path})) as told:
        assert await anext(told) == {("uploads", "")}
        following = asyncio.create_task(anext(told))
        await asyncio.sleep(0)
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "a.txt").write_text("content")
        places = {key for _, key in await following}
        assert places & {"", "new", "new/a.txt"}


@pytest.mark.usefixtures("watching")
async def test_it_ends_when_a_folder_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    async with aclosing(changes({"uploads": folder})) as told:
        await anext(told)
        following = asyncio.create_task(anext(told))
        await asyncio.sleep(0)
        folder.rmdir()
        await following
        async for _ in told:
            pass


@linux
async def test_a_folder_is_told_of_under_each_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    folders = {"outer": tmp_path, "inner": tmp_path / "in", "same": tmp_path / "in"}
    async with aclosing(changes(folders)) as told:
        await anext(told)
        (tmp_path / "in" / "a.txt").write_text("content")
        found = await anext(told)
    assert found == {("outer", "in/a.txt"), ("inner", "a.txt"), ("same", "a.txt")}


@linux
async def test_hidden_files_and_folders_are_not_told_of(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    async with aclosing(changes({"uploads": tmp_path})) as told:
        await anext(told)
        (tmp_path / ".git" / "index").write_text("content")
        (tmp_path / ".new").mkdir()
        (tmp_path / ".new" / "a.txt").write_text("content")
        (tmp_path / "b.txt").write_text("content")
        assert await until(told, ("uploads", "b.txt")) == {("uploads", "b.txt")}


@linux
@pytest.mark.skipif(QUEUED > 100_000, reason="so much is not done in a moment")
async def test_it_ends_when_more_happened_than_the_system_keeps(tmp_path: Path) -> None:
    async with aclosing(changes({"uploads": tmp_path})) as told:
        await anext(told)
        for number in range(QUEUED // 3 + 1):  # made, closed, deleted
            path = tmp_path / f"{number}.txt"
            path.touch()
            path.unlink()
        await anext(told)
        with pytest.raises(StopAsyncIteration):
            await anext(told)


@linux
async def test_a_folder_that_cannot_be_watched_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await anext(changes({"uploads": tmp_path / "none"}))


@linux
@settings(max_examples=50, derandomize=True, deadline=None)
@given(steps=STEPS)
def test_all_that_differs_is_told_of(steps: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_all_that_differs_is_told_of(Path(name), steps))


async def _all_that_differs_is_told_of(root: Path, steps: list[tuple[str, ...]]) -> None:
    folder, elsewhere = root / "uploads", root / "elsewhere"
    for each in (folder, elsewhere):
        (each / "a" / "b").mkdir(parents=True)
        (each / "a" / "b" / "c").write_text("content")
    async with aclosing(changes({"uploads": folder})) as told:
        await anext(told)
        before = find(folder, [""])
        for number, (kind, *paths) in enumerate([*steps, ("look",)]):
            if kind != "look":
                _take(kind, folder, elsewhere, *paths)
                continue
            (folder / f"{number}.end").touch()
            found = await until(told, ("uploads", f"{number}.end"))
            after = find(folder, [""])
            _check(before, after, {key for _, key in found})
            before = after


def _take(kind: str, folder: Path, elsewhere: Path, place: str, to: str = "") -> None:
    """What the system refuses does not happen."""
    path = folder / place
    with suppress(OSError):
        match kind:
            case "write":
                path.write_text("content")
            case "make":
                path.mkdir(parents=True)
                (path / "d").write_text("content")
            case "remove":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            case "move":
                path.rename(folder / to)
            case "move in":
                (elsewhere / place).rename(folder / to)


def _check(before: dict[str, Stamp], after: dict[str, Stamp], places: set[str]) -> None:
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            parents = {key[:end] for end, letter in enumerate(key) if letter == "/"}
            assert places & {"", key, *parents}, f"{key} is not in {places}"
