"""How many environments this machine bears, those of all functions together.

AWS has room for every environment that concurrency allows. A laptop has not: an
environment is a process. So there is a limit, and where it is reached the
environment that has been idle the longest makes room, whosesoever it is.
"""

from __future__ import annotations

import os
from pathlib import Path

from warmstart.service.environments.environment import Environment

__all__ = ["Host", "default_limit"]

_PER_CPU = 64
_MEMORY = 64 * 2**20
"""Bytes that an environment of a small Python function takes."""


class Host:
    """The environments there are; `idle` are those that may make room, the longest idle first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.environments = 0
        self.idle: dict[Environment, None] = {}

    @property
    def free(self) -> int:
        """How many more may be started without stopping one."""
        return max(self.limit - self.environments, 0)


def default_limit() -> int:
    """What a machine of this one's processors and memory bears, from 8 to 1,000."""
    return max(8, min(1000, _PER_CPU * _processors(), _memory() // _MEMORY))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int:
    """The machine's memory, or that of the container it is run in."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return memory
