"""Log groups and streams as files: a directory for each group, a file for each stream.

A stream is a file of lines, `{"t": timestamp, "i": ingestion time, "m": message}`
(milliseconds since the epoch), only ever appended to, so that a position in it
is a byte offset that never changes its meaning. Names of groups and streams are
percent-encoded into file names, which keeps every name apart from every other
and all of them below the directory.

What is written is gathered and appended a moment later, many lines with one
system call, since a busy environment logs thousands of lines a second; whoever
reads sees what was written before. A reader is given whole lines only: the last
one of a file may be half there if the machine lost power.

Timestamps in a stream only ascend where one writer sets them; a client may put
events of its own, late. So a search by time finds its place by bisection and
then looks at each line from there.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

__all__ = ["LogEvent", "LogFiles", "NoSuchPlace", "Stream"]

_logger = logging.getLogger(__name__)

DELAY = 0.05
"""Seconds that a line may wait for others to be written with it."""

WAITING = 10_000
"""Lines of a stream that wait where it cannot be written, as on a full disk."""

_SUFFIX = ".jsonl"
_LONGEST = 240  # bytes of a file name, which is ASCII; Linux takes 255, the suffix included
_BLOCK = 16 * 1024


class NoSuchPlace(ValueError):
    """An offset that is none of the stream's: it is made up, or of an earlier stream's."""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A message in a stream. Times are milliseconds since the epoch; `offset` is its place."""

    stream: str
    offset: int
    end: int
    timestamp: int
    ingested: int
    message: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream, and what is known of it without reading it all."""

    name: str
    created: int
    size: int
    first: LogEvent | None
    last: LogEvent | None


class LogFiles:
    """All logs below one directory. Writing is for the event loop's thread, reading for any.

    `on_write`, which may be set, hears what is written, with its group and stream.
    """

    def __init__(self, directory: Path) -> None:
        self.on_write: Callable[[str, str, list[tuple[int, str]]], None] | None = None
        self._directory = directory
        self._pending: dict[tuple[str, str], list[str]] = {}
        self._flushing: asyncio.TimerHandle | None = None
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)  # what functions say is for who runs them

    # Groups

    def create_group(self, group: str) -> bool:
        """Whether there was none of that name."""
        try:
            self._group(group).mkdir()
        except FileExistsError:
            return False
        return True

    def delete_group(self, group: str) -> bool:
        """Whether there was one."""
        self.flush()
        directory = self._group(group)
        if not directory.is_dir():
            return False
        shutil.rmtree(directory)
        return True

    def has_group(self, group: str) -> bool:
        return self._group(group).is_dir()

    def groups(self) -> list[str]:
        """All names, sorted."""
        return sorted(unquote(entry.name) for entry in os.scandir(self._directory))

    def created(self, group: str) -> int:
        """When a group was made, in milliseconds since the epoch, as far as the system knows."""
        return int(self._group(group).stat().st_ctime * 1000)

    def size(self, group: str) -> int:
        """Bytes that are kept for a group."""
        return sum(entry.stat().st_size for entry in os.scandir(self._group(group)))

    # Streams

    def create_stream(self, group: str, stream: str) -> bool:
        """Whether there was none of that name; the group must exist."""
        self.flush()
        try:
            self._stream(group, stream).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def delete_stream(self, group: str, stream: str) -> bool:
        """Whether there was one."""
        self.flush()
        try:
            self._stream(group, stream).unlink()
        except FileNotFoundError:
            return False
        return True

    def has_stream(self, group: str, stream: str) -> bool:
        return (group, stream) in self._pending or self._stream(group, stream).exists()

    def streams(self, group: str, prefix: str = "") -> list[str]:
        """The names of a group's streams that begin with `prefix`, sorted."""
        names = (
            unquote(entry.name.removesuffix(_SUFFIX)) for entry in os.scandir(self._group(group))
        )
        return sorted(name for name in names if name.startswith(prefix))

    def describe(self, group: str, stream: str) -> Stream:
        """What is known of a stream.

        Raises:
            FileNotFoundError: there is no such stream.
            NoSuchPlace: no event of the stream begins or ends there.
        """
        path = self._stream(group, stream)
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            last = _last(file, stream, status.st_size)
        first = next(_events(path, stream, 0), None)
        created = int(status.st_ctime * 1000) if first is None else first.ingested
        return Stream(stream, created, status.st_size, first, last)

    # Events

    def write(self, group: str, stream: str, events: Iterable[tuple[int, str]], now: int) -> None:
        """Append (timestamp, message) pairs; group and stream are made if there are none.

        They are in the file within `DELAY`, or when `flush` is called.
        """
        events = list(events)
        if self.on_write is not None:
            self.on_write(group, stream, events)
        lines = self._pending.setdefault((group, stream), [])
        for timestamp, message in events:
            text = encode_basestring_ascii(message)
            lines.append(f'{{"t":{timestamp},"i":{now},"m":{text}}}\n')
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(DELAY, self.flush)

    def flush(self) -> None:
        """Append all that waits.

        Raises:
            OSError: some of it cannot be written, which is then still waiting.
        """
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        failure: OSError | None = None
        for key, lines in list(self._pending.items()):
            try:
                _append(self._stream(*key), "".join(lines).encode("ascii"))
                del self._pending[key]
            except OSError as error:  # the others may be in better health
                failure = error
                _forget_oldest(key[1], lines, error)
        if failure is not None:
            raise failure

    def read(
        self, group: str, stream: str, *, start: int | None = None, offset: int = 0
    ) -> Iterator[LogEvent]:
        """The events of a stream from `offset` on, and not before the time `start`.

        Raises:
            FileNotFoundError: there is no such stream.
            NoSuchPlace: no event of the stream begins or ends there.
        """
        path = self._stream(group, stream)
        with path.open("rb") as file:
            _check_place(file, offset)
            if start is not None:
                offset = max(offset, _bisect(file, start))
        for event in _events(path, stream, offset):
            if start is None or event.timestamp >= start:
                yield event

    def read_back(self, group: str, stream: str, offset: int | None = None) -> Iterator[LogEvent]:
        """The events that end at or before `offset` (the end of the file), the last one first.

        Raises:
            FileNotFoundError: there is no such stream.
            NoSuchPlace: no event of the stream begins or ends there.
        """
        with self._stream(group, stream).open("rb") as file:
            end = os.fstat(file.fileno()).st_size if offset is None else offset
            if offset is not None:
                _check_place(file, offset)
            for start, line in _lines_back(file, end):
                yield _event(stream, start, line)

    def _group(self, group: str) -> Path:
        return self._directory / self.file_name(group)

    def _stream(self, group: str, stream: str) -> Path:
        return self._group(group) / (self.file_name(stream) + _SUFFIX)

    @staticmethod
    def file_name(name: str) -> str:
        """Percent-encoded, and never one that means a directory to the system."""
        quoted = quote(name, safe="")
        return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted

    @classmethod
    def can_keep(cls, name: str) -> bool:
        """Whether a group or a stream of that name is not too long for a file name."""
        return len(cls.file_name(name)) <= _LONGEST


def _check_place(file: BinaryIO, offset: int) -> None:
    if offset and os.pread(file.fileno(), 1, offset - 1) != b"\n":
        raise NoSuchPlace(f"No event begins or ends at byte {offset} of {file.name}")


def _event(stream: str, offset: int, line: bytes) -> LogEvent:
    record = json.loads(line)
    return LogEvent(stream, offset, offset + len(line), record["t"], record["i"], record["m"])


def _events(path: Path, stream: str, offset: int) -> Iterator[LogEvent]:
    """All whole lines from `offset`, which is where one begins.

    The file is open only while a block of it is read: a search reads all streams of a
    group side by side, and there may be more of them than a process may open files.
    """
    while lines := _lines(path, offset):
        for line in lines:
            yield _event(stream, offset, line)
            offset += len(line)


def _lines(path: Path, offset: int) -> list[bytes]:
    """The whole lines of about a block from `offset`; none at the end."""
    with path.open("rb") as file:
        file.seek(offset)
        return [line for line in file.readlines(_BLOCK) if line.endswith(b"\n")]


def _last(file: BinaryIO, stream: str, size: int) -> LogEvent | None:
    for start, line in _lines_back(file, size):
        return _event(stream, start, line)
    return None


def _forget_oldest(stream: str, lines: list[str], reason: OSError) -> None:
    """Let no more lines of a stream wait than may."""
    if len(lines) > WAITING:
        lost = len(lines) - WAITING
        _logger.error("The oldest %d lines of %s are lost: %s", lost, stream, reason)
        del lines[:lost]


def _append(path: Path, lines: bytes) -> None:
    """Add whole lines behind the last whole line: all of them, or none and `OSError`."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        end = _cut_torn_line(file)
        if file.write(lines) < len(lines):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _cut_torn_line(file: BinaryIO) -> int:
    """Make the file end where its last whole line does; that place."""
    size = file.seek(0, os.SEEK_END)
    if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
        size = next((start + len(line) for start, line in _lines_back(file, size)), 0)
        file.truncate(size)
    return size


def _lines_back(file: BinaryIO, end: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines before `end`, each with its offset, backwards."""
    rest = b""
    while end > 0:
        begin = max(0, end - _BLOCK)
        file.seek(begin)
        lines = (file.read(end - begin) + rest).splitlines(keepends=True)
        rest = lines.pop(0) if begin else b""
        place = begin + len(rest) + sum(map(len, lines))
        for line in reversed(lines):
            place -= len(line)
            if line.endswith(b"\n"):
                yield place, line
        end = begin


def _bisect(file: BinaryIO, time: int) -> int:
    """An offset at which a line begins; every line before it that was written in order is older."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _BLOCK:
        file.seek((low + high) // 2)
        file.readline()
        place = file.tell()
        line = file.readline()
        if place >= high or not line.endswith(b"\n"):
            break
        if json.loads(line)["t"] < time:
            low = place
        else:
            high = place
    return low
