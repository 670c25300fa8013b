"""`python -m benchmarks.adapter`: our adapter, Mangum's, and the app without one, in one run.

Rounds alternate between the ways, so that what else the machine does hits all;
each figure is the median of its rounds. The event is parsed already, as a runtime
hands it over, and the result is not yet written as JSON. The bare app is driven
by hand with the same scope; what an adapter takes beyond that is its overhead.

What one thread does is measured by the CPU time it takes, so that a busy machine
counts less; processes that start by the time that passes; and where threads wait
for each other, by both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from time import perf_counter, process_time

from benchmarks.adapter.apps import BINARY, TEXT, fastapi_app, raw, starlette_app
from benchmarks.adapter.events import DOORS, request
from benchmarks.adapter.startup import measure_startup
from benchmarks.adapter.ways import ADAPTERS, bare, measure, started_threads, through
from benchmarks.report import conditions, table

OURS, OFF, AUTO = ADAPTERS
APPS = {"raw ASGI": raw, "Starlette": starlette_app, "FastAPI": fastapi_app}
THREADED = {"Starlette": starlette_app, "FastAPI": fastapi_app}
CLOCKS = {"CPU": process_time, "time": perf_counter}
SECONDS = 0.05
CALLS = 200


def requests(rounds: int) -> str:
    """Small requests: the whole time of each way, and the overheads in proportion."""
    headings = ["GET /hello, µs of CPU", "bare app", OURS, OFF, AUTO]
    headings += [f"overhead: {OURS}", f"of {OFF} (aim 33 %)", f"of {AUTO} (aim 10 %)"]
    rows = []
    for app_name, app in APPS.items():
        for door, build in DOORS.items():
            event = build(request("/hello"))
            calls = {name: through(name, app, event) for name in ADAPTERS}
            calls["bare"] = bare(app, event)
            taken = measure(calls, process_time, rounds=rounds, seconds=SECONDS)
            floor = taken.pop("bare")
            over = {name: value - floor for name, value in taken.items()}
            rows.append(
                [
                    f"{app_name}, {door}",
                    *(f"{value:.1f}" for value in (floor, *taken.values())),
                    f"{over[OURS]:.1f}",
                    f"{over[OURS] / over[OFF]:.0%}",
                    f"{over[OURS] / over[AUTO]:.0%}",
                ]
            )
    return table(headings, rows)


def bodies(rounds: int) -> str:
    """1 MB in and out of the raw app."""
    build = DOORS["HTTP API v2"]
    cases = {
        "text in": request("/hello", body=TEXT, content_type=b"text/plain"),
        "binary in": request("/hello", body=BINARY, content_type=b"application/octet-stream"),
        "text out": request("/text"),
        "binary out": request("/binary"),
    }
    rows = []
    for name, of in cases.items():
        event = build(of)
        calls = {name: through(name, raw, event) for name in ADAPTERS}
        calls["bare"] = bare(raw, event)
        taken = measure(calls, process_time, rounds=rounds, seconds=SECONDS)
        rows.append([name, *(f"{taken[way]:,.0f}" for way in ("bare", *ADAPTERS))])
    return table(["1 MB, raw ASGI, HTTP API v2, µs of CPU", "bare app", OURS, OFF, AUTO], rows)


def threads(rounds: int) -> str:
    """`def` endpoints, which the frameworks run in threads: CPU of all threads, and time."""
    headings = ["`def` endpoint, HTTP API v2, µs", OURS, OFF, AUTO]
    headings += [f"{OURS} of {OFF} (aim 50 %)", f"of {AUTO}"]
    headings += [f"threads a call: {OURS}", OFF, AUTO]
    rows = []
    for app_name, app in THREADED.items():
        event = DOORS["HTTP API v2"](request("/thread"))
        calls = {name: through(name, app, event) for name in ADAPTERS}
        started = [f"{_threads(call):.2f}" for call in calls.values()]
        for clock_name, clock in CLOCKS.items():
            taken = measure(calls, clock, rounds=rounds, seconds=SECONDS)
            rows.append(
                [
                    f"{app_name}, {clock_name}",
                    *(f"{value:.0f}" for value in taken.values()),
                    f"{taken[OURS] / taken[OFF]:.0%}",
                    f"{taken[OURS] / taken[AUTO]:.0%}",
                    *started,
                ]
            )
    return table(headings, rows)


def _threads(call: Callable[[], object]) -> float:
    with started_threads() as names:
        for _ in range(CALLS):
            call()
    return len(names) / CALLS


def startup(rounds: int) -> str:
    """Fresh interpreters."""
    measured = measure_startup(rounds)
    bare_python = measured["bare Python"]
    rows = [
        [
            name,
            f"{it.milliseconds:.1f}",
            f"{it.milliseconds - bare_python.milliseconds:+.1f}",
            f"{it.cpu - bare_python.cpu:+.1f}",
            str(it.modules),
            "yes" if it.asyncio else "no",
            f"{it.memory:.1f}",
        ]
        for name, it in measured.items()
    ]
    headings = ["in a fresh interpreter", "ms", "over bare Python", "of CPU (aim 10)"]
    headings += ["modules", "asyncio", "RSS MB"]
    return table(headings, rows)


def report(rounds: int) -> Iterator[str]:
    """All tables, each when it is ready."""
    yield f"{conditions()}; medians of {rounds} alternating rounds."
    for part in (requests, bodies, threads, startup):
        yield part(rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapter", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="alternating rounds (default 15)")
    for piece in report(parser.parse_args().rounds):
        print(piece, end="\n\n", flush=True)
