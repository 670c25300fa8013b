"""What a process uses, as Linux tells it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "children", "usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Processes are its children, memory is what is resident."""

    processes: int
    descriptors: int
    megabytes: float

    def __str__(self) -> str:
        return (
            f"{self.processes} processes, {self.descriptors} file descriptors,"
            f" {self.megabytes:.1f} MB"
        )


def usage(pid: int) -> Usage:
    resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert resident is not None
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Usage(len(children(pid)), descriptors, int(resident[1]) / 1024)


def children(pid: int) -> list[int]:
    """The processes that it has started and not reaped."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended
            found += map(int, (task / "children").read_text().split())
    return found
