"""What a snapshot saves: `python -m benchmarks.snapshots`.

The FastAPI example as a version without SnapStart and as one with it, in turns: environments
are started one after the other, and each start is timed from the order to the runtime's
`next`. The first answer is timed from an invocation that finds no environment. The memory is
that of all environments together, a template's included, divided by how many there are: as
the kernel shares out what several have (PSS), and what each has for itself alone (USS).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import conditions, table
from warmstart.events import http_v2
from warmstart.events.http import HTTPRequest
from warmstart.service.environments import memory
from warmstart.service.function import Function
from warmstart.service.limits import Limits
from warmstart.service.service import Service
from warmstart.service.telemetry import Event, Exit, InitReport, RestoreReport

__all__ = ["Starts", "measure_starts"]

ROOT = Path(__file__).parents[1]
REQUEST = HTTPRequest("GET", "/hello", b"/hello", b"name=you", [(b"host", b"x")])
EVENT = json.dumps(
    http_v2.build_event(REQUEST, request_id="id", time=0.0, domain_name="x")
).encode()
ENVIRONMENTS = 50
FIRST_ANSWERS = 20


@dataclass(frozen=True)
class Starts:
    """Medians in milliseconds; memory per environment in MB."""

    ready: float
    ready_p90: float
    first_answer: float
    pss: float
    uss: float


async def measure_starts(*, snap_start: bool, environments: int = ENVIRONMENTS) -> Starts:
    """Start so many environments of the FastAPI example and keep them, then start some anew."""
    function = Function(
        name="f",
        version="1",
        handler="examples.fastapi_app:app",
        task_root=str(ROOT),
        timeout=30.0,
        memory_size=512,
        isolated=True,
        snap_start=snap_start,
    )
    ready: list[float] = []
    exited = asyncio.Event()

    def observe(event: Event) -> None:
        if isinstance(event, RestoreReport if snap_start else InitReport):
            ready.append(event.duration_ms)
        if isinstance(event, Exit):
            exited.set()

    async with Service(observe, limits=Limits(environments=environments)) as service:
        await service.create_function(function)
        ready.clear()
        for _ in range(environments):
            await service.start_environment("f", "1")
        pss, uss = _memory()
    first = [await _first_answer(function) for _ in range(FIRST_ANSWERS)]
    return Starts(
        statistics.median(ready),
        statistics.quantiles(ready, n=10)[-1],
        statistics.median(first),
        pss / environments,
        uss / environments,
    )


async def _first_answer(function: Function) -> float:
    async with Service() as service:
        await service.create_function(function)
        started = time.perf_counter()
        result = await service.invoke("f", EVENT, qualifier="1")
        elapsed = time.perf_counter() - started
    assert json.loads(result.payload)["statusCode"] == 200, result.payload
    return elapsed * 1000


def _memory() -> tuple[float, float]:
    """PSS and USS of all processes that this one has started, in MB."""
    pss = uss = 0
    for pid in memory.tree([os.getpid()])[1:]:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = {name: int(size) for name, size in re.findall(r"(\w+): +(\d+) kB", text)}
        pss += found["Pss"]
        uss += found["Private_Clean"] + found["Private_Dirty"]
    return pss / 1024, uss / 1024


def main() -> None:
    """Measure both and print them."""
    cold = asyncio.run(measure_starts(snap_start=False))
    snapshot = asyncio.run(measure_starts(snap_start=True))
    headings = ["start", "ready, p50", "p90", "first answer, p50", "PSS", "USS"]
    rows = [
        [name, *(f"{value:.1f}" for value in (s.ready, s.ready_p90, s.first_answer, s.pss, s.uss))]
        for name, s in (("cold process", cold), ("from a snapshot", snapshot))
    ]
    sys.stdout.write(f"{conditions()}\nms; MB for each of {ENVIRONMENTS} environments\n\n")
    sys.stdout.write(f"{table(headings, rows)}\n")


if __name__ == "__main__":
    main()
