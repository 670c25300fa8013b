"""The first program of containers is a valid executable, and waits."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from warmstart.service.environments.holder import executable, write_holder


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="it is a Linux program")
def test_it_waits_until_it_is_ended(tmp_path: Path) -> None:
    path = write_holder(tmp_path)

    with subprocess.Popen([path]) as holder:
        with pytest.raises(subprocess.TimeoutExpired):
            holder.wait(0.05)
        holder.terminate()
        assert holder.wait() == -15


def test_it_is_written_once(tmp_path: Path) -> None:
    first = write_holder(tmp_path).stat()
    second = write_holder(tmp_path).stat()

    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert stat.S_IMODE(first.st_mode) == 0o755
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_its_header_names_the_machine(machine: str, number: int) -> None:
    content = executable(machine)

    assert content[:5] == b"\x7fELF\x02"
    assert int.from_bytes(content[18:20], "little") == number
