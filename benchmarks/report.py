"""How results are written down: under what conditions, and in what table."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["conditions", "table"]


def conditions() -> str:
    """The date, the machine and the Python of this run."""
    today = datetime.date.today().isoformat()  # noqa: DTZ011
    return f"{today}, {_cpu()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column names the row, the others are figures."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()
