"""What a container and this process share: /var/rapid in there, a directory here.

It holds the two programs that are none of the image's (see `holder`, `gate`), and two
FIFOs for each program while it is being started. Nobody in the container can change
any of it, list it, or read what others write. Once a program has begun its FIFOs
have no name any more.
"""

from __future__ import annotations

import os
import secrets
import select
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from warmstart.service.environments import gate, holder
from warmstart.service.environments.directories import make_directory
from warmstart.service.environments.driver import EnclosureFailed
from warmstart.service.environments.elf import executable

__all__ = ["Fifo", "Rapid", "Report", "write_programs"]

_PROGRAMS = {"init": holder.CODES, "start": gate.CODES}

_TRAVERSABLE = 0o711
_WRITABLE = 0o222
_READ = 256

_PATIENCE = 30.0
"""Seconds that a program may take to begin once Docker has started it."""


def write_programs(parent: Path) -> Path:
    """Write the programs for this machine into a directory of their own.

    Once, as a file can't be executed that somebody has open for writing: that may be
    any program which is being started meanwhile, until it has begun.

    Raises:
        OSError: they cannot be written.
        KeyError: there are none for this machine.
    """
    machine = os.uname().machine
    programs = {name: executable(machine, codes) for name, codes in _PROGRAMS.items()}
    directory = make_directory(parent, secrets.token_hex(16), _TRAVERSABLE)
    for name, content in programs.items():
        path = directory / name
        path.write_bytes(content)
        path.chmod(0o755)
    return directory


class Rapid:
    """The directory for one container, with the programs that `write_programs` has written."""

    def __init__(self, parent: Path, environment_id: str, programs: Path) -> None:
        self.directory = make_directory(parent, environment_id, _TRAVERSABLE)
        try:
            for name in _PROGRAMS:
                os.link(programs / name, self.directory / name)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def fifo(self) -> Iterator[Fifo]:
        """Make a FIFO and open both of its ends; its name is gone afterwards.

        Raises:
            EnclosureFailed: that cannot be done any more.
        """
        path = self.directory / secrets.token_hex(16)
        try:
            fifo = _make_fifo(path)
        except OSError as error:
            raise EnclosureFailed(f"No program can be given an output: {error}") from error
        try:
            yield fifo
        finally:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)


class Fifo(NamedTuple):
    """Both ends of a FIFO, to be closed by who uses them, and its name in the directory."""

    name: str
    reader: int
    writer: int


def _make_fifo(path: Path) -> Fifo:
    os.mkfifo(path)
    ends: list[int] = []
    try:
        # The reader first: without one a writer would wait for it.
        for flags in (os.O_RDONLY | os.O_NONBLOCK, os.O_WRONLY):
            ends.append(os.open(path, flags))
        path.chmod(_WRITABLE)  # many programs open /dev/stdout anew
    except BaseException:
        for end in ends:
            os.close(end)
        path.unlink(missing_ok=True)
        raise
    return Fifo(path.name, *ends)


class Report:
    """What the gate writes to a FIFO before it has become another program, or has ended."""

    def __init__(self, fifo: Fifo) -> None:
        self._reader = fifo.reader
        self._writer: int | None = fifo.writer

    def read(self) -> bytes:
        """Wait for the whole of it.

        Raises:
            EnclosureFailed: the gate does not go on.
        """
        content = self._read()
        self._close_writer()  # the gate has one of its own by now, whose end is the report's
        while more := self._read():
            content += more
        return content

    def _read(self) -> bytes:
        readable = select.poll()
        readable.register(self._reader, select.POLLIN)
        if not readable.poll(_PATIENCE * 1000):
            raise EnclosureFailed("A program in a container was started, and does not begin")
        return os.read(self._reader, _READ)

    def _close_writer(self) -> None:
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def close(self) -> None:
        """Close both ends."""
        self._close_writer()
        os.close(self._reader)
