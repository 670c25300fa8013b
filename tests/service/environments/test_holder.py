"""The first program of containers waits."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from warmstart.service.environments.rapid import write_programs


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="it is a Linux program")
def test_it_waits_until_it_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen([write_programs(tmp_path) / "init"]) as holder:
        with pytest.raises(subprocess.TimeoutExpired):
            holder.wait(0.05)
        holder.terminate()
        assert holder.wait() == -15
