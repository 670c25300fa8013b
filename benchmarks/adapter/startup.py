"""What it costs to load an adapter: fresh interpreters, one after another, by turns."""

from __future__ import annotations

import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.adapter.events import DOORS, request

__all__ = ["STATEMENTS", "Startup", "measure_startup"]

ROOT = Path(__file__).parents[2]

_APP = "from benchmarks.adapter.apps import fastapi_app as app"
_EVENT = f"event = {DOORS['HTTP API v2'](request('/hello'))!r}"
_OURS, _THEIRS = "from warmstart import ASGIHandler", "from mangum import Mangum"

STATEMENTS = {
    "bare Python": "pass",
    "`import warmstart`": "import warmstart",
    "`from warmstart import ASGIHandler`": _OURS,
    "`from mangum import Mangum`": _THEIRS,
    "FastAPI app": _APP,
    "FastAPI app, `ASGIHandler(app)`": f"{_APP}; {_OURS}; ASGIHandler(app)",
    "FastAPI app, `Mangum(app)`": f"{_APP}; {_THEIRS}; Mangum(app)",
    "the same, and a first answer of ours": (
        f"{_APP}; {_EVENT}; {_OURS}; ASGIHandler(app)(event, None)"
    ),
    "the same, and a first answer of Mangum's": (
        f"{_APP}; {_EVENT}; {_THEIRS}; Mangum(app)(event, None)"
    ),
}

# Looking costs modules and memory of its own, so it is done once, in another process than the
# ones that are timed.
_LOOK = """
import sys
loaded, asyncio = len(sys.modules), "asyncio" in sys.modules
with open("/proc/self/status") as file:
    rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
print(f'[{loaded}, {str(asyncio).lower()}, {rss}]')
"""


@dataclass(frozen=True, slots=True)
class Startup:
    """Milliseconds from spawn to exit, and of CPU; modules, asyncio among them; MB resident."""

    milliseconds: float
    cpu: float
    modules: int
    asyncio: bool
    memory: float


def measure_startup(rounds: int) -> dict[str, Startup]:
    """Each statement in an interpreter of its own; medians of alternating rounds."""
    with TemporaryDirectory() as folder:
        run = functools.partial(_run, Path(folder))
        for statement in STATEMENTS.values():
            run(statement)  # byte code and pages are there afterwards
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in STATEMENTS}
        for _ in range(rounds):
            for name, statement in STATEMENTS.items():
                started, cpu = time.perf_counter(), _cpu_of_children()
                run(statement)
                taken[name].append((time.perf_counter() - started, _cpu_of_children() - cpu))
        return {
            name: _look(run, statement, *map(statistics.median, zip(*taken[name], strict=True)))
            for name, statement in STATEMENTS.items()
        }


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _look(run: Callable[[str], str], statement: str, seconds: float, cpu: float) -> Startup:
    looks = [json.loads(run(f"{statement}\n{_LOOK}")) for _ in range(3)]
    modules, asyncio, _ = looks[0]
    memory = statistics.median(it[2] for it in looks) / 1000
    return Startup(seconds * 1e3, cpu * 1e3, modules, asyncio, memory)


def _run(byte_code: Path, code: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ["PYTHONPATH"] = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    environ["PYTHONPYCACHEPREFIX"] = str(byte_code)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
