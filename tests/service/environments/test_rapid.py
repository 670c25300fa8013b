"""What containers share with the service is theirs to write to, and nothing else."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from warmstart.service.environments import rapid
from warmstart.service.environments.driver import EnclosureFailed
from warmstart.service.environments.rapid import Rapid, Report, write_programs


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[None]:
    """One that lets nobody else do anything."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_anybody_may_execute_the_programs_and_write_to_the_fifos_and_list_nothing(
    tmp_path: Path,
) -> None:
    with closing(Rapid(tmp_path, "id", write_programs(tmp_path))) as shared:
        assert mode(shared.directory) == 0o711
        assert [mode(shared.directory / name) for name in ("init", "start")] == [0o755] * 2
        with shared.fifo() as fifo:
            path = shared.directory / fifo.name
            assert path.is_fifo()
            assert mode(path) == 0o222
        assert not path.exists()
        os.write(fifo.writer, b"x")
        assert os.read(fifo.reader, 9) == b"x"
        os.close(fifo.reader)
        os.close(fifo.writer)

    assert not shared.directory.exists()


def test_a_fifo_that_cannot_be_made_is_the_fault_of_no_program(tmp_path: Path) -> None:
    shared = Rapid(tmp_path, "id", write_programs(tmp_path))
    shared.close()
    with pytest.raises(EnclosureFailed, match="No such file"), shared.fifo():
        pass


def test_of_a_fifo_that_cannot_be_opened_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    opened: list[int] = []

    def open_once(path: str, flags: int) -> int:
        if opened:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        opened.append(real(path, flags))
        return opened[0]

    with closing(Rapid(tmp_path, "id", write_programs(tmp_path))) as shared:
        before = sorted(shared.directory.iterdir())
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", open_once)
            with pytest.raises(EnclosureFailed, match="Too many open files"), shared.fifo():
                pass
        assert sorted(shared.directory.iterdir()) == before
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(opened[0])


def test_a_report_ends_with_the_last_who_writes_it(tmp_path: Path) -> None:
    with closing(Rapid(tmp_path, "id", write_programs(tmp_path))) as shared:
        with shared.fifo() as fifo, closing(Report(fifo)) as report:
            with open(shared.directory / fifo.name, "wb", buffering=0) as gate:
                gate.write(b"\0\0\0")
            assert report.read() == b"\0\0\0"


def test_a_gate_that_does_not_go_on_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rapid, "_PATIENCE", 0.01)
    with closing(Rapid(tmp_path, "id", write_programs(tmp_path))) as shared:
        with shared.fifo() as fifo, closing(Report(fifo)) as report:
            with pytest.raises(EnclosureFailed, match="does not begin"):
                report.read()
