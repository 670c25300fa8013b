"""Streams in files give back what was put into them, from every place."""

from __future__ import annotations

import heapq
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.logs.files import LogEvent, LogFiles

GROUP = "/aws/lambda/f"
STREAM = "2026/11/24/[$LATEST]0123"

MESSAGES = st.lists(
    st.tuples(st.integers(0, 2**41), st.text(st.characters(exclude_categories=[]))), max_size=40
)


@contextmanager
def limited(what: int, limit: int) -> Iterator[None]:
    """Let the kernel give this process no more of something."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def by_time(event: LogEvent) -> int:
    return event.timestamp


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path / "logs")


async def test_what_is_written_is_read_in_order_with_both_times(files: LogFiles) -> None:
    files.write(GROUP, STREAM, [(1000, "one"), (1001, "two\nlines")], now=1005)
    files.flush()

    events = list(files.read(GROUP, STREAM))

    assert [(e.timestamp, e.ingested, e.message) for e in events] == [
        (1000, 1005, "one"),
        (1001, 1005, "two\nlines"),
    ]
    assert files.groups() == [GROUP]
    assert files.streams(GROUP) == [STREAM]


@given(MESSAGES, st.data())
async def test_reading_on_from_an_event_gives_all_that_follow_it(
    tmp_path_factory: pytest.TempPathFactory, messages: list[tuple[int, str]], data: st.DataObject
) -> None:
    files = LogFiles(tmp_path_factory.mktemp("logs"))
    files.write(GROUP, STREAM, messages, now=0)
    files.flush()

    events = list(files.read(GROUP, STREAM))
    assert [(e.timestamp, e.message) for e in events] == messages
    assert list(files.read_back(GROUP, STREAM)) == events[::-1]

    place = data.draw(st.integers(0, len(events)))
    offset = events[place - 1].end if place else 0
    assert list(files.read(GROUP, STREAM, offset=offset)) == events[place:]
    assert list(files.read_back(GROUP, STREAM, offset)) == events[:place][::-1]


@given(st.lists(st.integers(0, 50), max_size=3000), st.integers(-1, 51))
async def test_a_search_by_time_finds_what_a_look_at_each_line_finds(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], start: int
) -> None:
    files = LogFiles(tmp_path_factory.mktemp("logs"))
    ascending = [(time, "x" * 100) for time in sorted(times)]
    files.write(GROUP, STREAM, ascending, now=0)
    files.flush()

    found = [(e.timestamp, e.message) for e in files.read(GROUP, STREAM, start=start)]

    assert found == [event for event in ascending if event[0] >= start]


async def test_a_long_stream_is_read_backwards_across_its_blocks(files: LogFiles) -> None:
    files.write(GROUP, STREAM, [(n, f"{n} " + "x" * (n % 700)) for n in range(2000)], now=0)
    files.flush()

    events = list(files.read(GROUP, STREAM))

    assert len(events) == 2000
    assert list(files.read_back(GROUP, STREAM)) == events[::-1]


async def test_a_line_that_was_cut_off_is_not_read_and_does_not_spoil_the_next(
    tmp_path: Path, files: LogFiles
) -> None:
    files.write(GROUP, STREAM, [(1, "whole")], now=1)
    files.flush()
    (path,) = (tmp_path / "logs").glob("*/*")
    with path.open("ab") as file:
        file.write(b'{"t":2,"i":2,"m":"cut o')

    assert [e.message for e in files.read(GROUP, STREAM)] == ["whole"]
    assert [e.message for e in files.read_back(GROUP, STREAM)] == ["whole"]

    files.write(GROUP, STREAM, [(3, "next")], now=3)
    files.flush()
    assert [e.message for e in files.read(GROUP, STREAM)] == ["whole", "next"]


@pytest.mark.parametrize("name", ["..", ".", "a/../b", "/", "%2F", "ä#b", "x" * 60])
def test_any_name_stays_below_the_directory_and_comes_back(
    tmp_path: Path, files: LogFiles, name: str
) -> None:
    files.create_group(name)
    files.create_stream(name, name)

    assert files.groups() == [name]
    assert files.streams(name) == [name]
    assert os.listdir(tmp_path) == ["logs"]
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700


async def test_a_description_tells_the_first_and_the_last_event(files: LogFiles) -> None:
    files.write(GROUP, STREAM, [(5, "a"), (6, "b"), (9, "c")], now=10)
    files.flush()

    stream = files.describe(GROUP, STREAM)

    assert stream.first is not None
    assert stream.last is not None
    assert (stream.first.timestamp, stream.last.timestamp, stream.created) == (5, 9, 10)
    assert stream.size == stream.last.end


async def test_what_is_deleted_is_gone_with_what_was_still_to_be_written(files: LogFiles) -> None:
    files.write(GROUP, STREAM, [(1, "a")], now=1)
    assert files.has_stream(GROUP, STREAM)
    assert files.delete_stream(GROUP, STREAM)
    assert not files.has_stream(GROUP, STREAM)
    assert not files.delete_stream(GROUP, STREAM)

    files.write(GROUP, STREAM, [(1, "a")], now=1)
    assert files.delete_group(GROUP)
    assert not files.delete_group(GROUP)
    assert files.groups() == []


async def test_more_streams_can_be_read_side_by_side_than_files_can_be_open(
    files: LogFiles,
) -> None:
    names = [f"stream-{number}" for number in range(60)]
    for number, name in enumerate(names):
        files.write(GROUP, name, [(number, name)], now=0)
    files.flush()

    with limited(resource.RLIMIT_NOFILE, len(os.listdir("/proc/self/fd")) + 20):
        merged = heapq.merge(*(files.read(GROUP, name) for name in names), key=by_time)
        assert [event.message for event in merged] == names


async def test_a_file_that_cannot_be_written_does_not_keep_the_others_from_it(
    files: LogFiles,
) -> None:
    files.write("x" * 300, STREAM, [(1, "a")], now=1)
    files.write(GROUP, STREAM, [(1, "b")], now=1)
    with pytest.raises(OSError, match="File name too long"):
        files.flush()

    assert [event.message for event in files.read(GROUP, STREAM)] == ["b"]
    with pytest.raises(OSError, match="File name too long"):
        files.flush()
    assert (files.can_keep(GROUP), files.can_keep("x" * 300)) == (True, False)


async def test_what_does_not_fit_on_the_disk_waits_until_it_does(files: LogFiles) -> None:
    files.write(GROUP, STREAM, [(1, "first")], now=1)
    files.flush()
    files.write(GROUP, STREAM, [(2, "second" * 100)], now=2)
    with limited(resource.RLIMIT_FSIZE, 500), pytest.raises(OSError, match="No space left"):
        files.flush()
    assert [event.timestamp for event in files.read(GROUP, STREAM)] == [1]

    files.flush()
    assert [event.timestamp for event in files.read(GROUP, STREAM)] == [1, 2]


async def test_of_what_never_fits_only_so_much_waits(
    files: LogFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("warmstart.service.logs.files.WAITING", 3)
    files.write(GROUP, STREAM, [(n, "x" * 600) for n in range(8)], now=1)
    with limited(resource.RLIMIT_FSIZE, 500), pytest.raises(OSError, match="No space left"):
        files.flush()

    files.flush()
    assert [event.timestamp for event in files.read(GROUP, STREAM)] == [5, 6, 7]
    assert f"The oldest 5 lines of {STREAM} are lost: " in caplog.text
