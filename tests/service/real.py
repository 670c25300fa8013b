"""Functions whose environments are real processes, and a look at what they leave behind."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from tests.service.scripted import Observed
from warmstart.service.environments.cgroups import Cgroups
from warmstart.service.environments.driver import Driver
from warmstart.service.function import Function
from warmstart.service.service import Service

RAW_RUNTIME = str(Path(__file__).with_name("raw_runtime.py"))


def function(handler: str, **settings: Any) -> Function:
    """A function `f` that the raw runtime's `handler` serves."""
    command = (sys.executable, RAW_RUNTIME, handler)
    defaults: dict[str, Any] = {"task_root": str(Path(__file__).parent), "timeout": 20.0}
    return Function(**{"name": "f", "handler": handler, "command": command} | defaults | settings)


@asynccontextmanager
async def serving(
    *functions: Function, driver: Driver | None = None
) -> AsyncIterator[tuple[Service, Observed]]:
    """A service of these functions; on leaving it, nothing may be left of them."""
    before = descriptors()
    observed = Observed()
    async with Service(observed, driver=driver) as service:
        for each in functions:
            await service.create_function(each)
        yield service, observed
    assert children() == []
    assert places() == []
    assert descriptors() <= before


def places(service: int = os.getpid()) -> list[Path]:
    """The directories and control groups of a process's environments, by default of this one's."""
    found = list(Path(tempfile.gettempdir()).glob(f"warmstart-{service}-*"))
    cgroups = Cgroups.find()
    if cgroups is not None:
        found += [each for place in cgroups.places for each in place.glob(f"*-{service}")]
    return found


def descriptors() -> int:
    """How many file descriptors this process has open.

    Those of /dev/null are left out: uvloop keeps one for all children it starts.
    """
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += os.readlink(descriptor) != os.devnull
    return count


def children() -> list[int]:
    """The processes that this one has started and not reaped."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended
            found += (task / "children").read_text().split()
    return [int(pid) for pid in found]


def exists(pid: int) -> bool:
    """Whether there is such a process. Zombies are not counted, nor those about to be.

    A process that ends has left its control group a moment before it is a zombie, and
    runs nothing any more: PF_EXITING of Linux's include/linux/sched.h says so.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state, flags = status[0], int(status[6])
    return state != "Z" and not flags & 0x4
