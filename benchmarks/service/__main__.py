"""`warmstart serve` beside what people use: `python -m benchmarks.service`.

ministack and AWS's emulator run in the same run and in alternating rounds; the medians of
the rounds are told. The emulator has one function and no API, and crashes on the second
request at once. What needs Docker is quoted, with its source.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.load import Outcome
from benchmarks.report import conditions, table
from benchmarks.service import measures
from benchmarks.service.measures import PLAIN, Client
from benchmarks.service.peers import Peer, emulator, ministack, warmstart

QUOTED = {
    "LocalStack + Docker": ["458-506", "14", "67", "61-69"],
    "SAM local, warm": ["80", "16.6", "44", "34"],
}
"""Create (or start) to the first response, warm p50 and invocations/s at 1 and 8 clients.

From this project's comparison of platforms before it began: an echo function, one boto3 client.
"""

Cells = list[str]


def main(rounds: int, seconds: float, count: int) -> str:
    """The report as Markdown."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "app.py").write_text(PLAIN)
        ours, theirs = (stack.enter_context(each()) for each in (warmstart, ministack))
        rie = stack.enter_context(emulator(folder, "app.handler"))
        clients = [Client(ours), Client(theirs)]
        parts = [
            f"{conditions()}; medians of {rounds} alternating rounds of {seconds:g} s; load"
            " generator on the same machine.",
            _warm(clients, rie, rounds, seconds),
            _lives(clients, rounds),
            _many(clients[0], count),
            _quoted(),
        ]
    return "\n\n".join(parts)


def _warm(clients: list[Client], rie: Peer, rounds: int, seconds: float) -> str:
    ways: dict[tuple[str, ...], Callable[[], Outcome]] = {}
    for client in clients:
        name, peer = client.deploy(PLAIN), client.peer
        ways[peer.name, "boto3", "1"] = lambda c=client, n=name: measures.warm(c, n, seconds)  # type: ignore[misc]
        for count in (1, 8):
            ways[peer.name, "raw", str(count)] = lambda p=peer.port, n=name, k=count: measures.raw(  # type: ignore[misc]
                p, n, k, seconds
            )
    ways[rie.name, "raw", "1"] = lambda: measures.raw(rie.port, "function", 1, seconds)
    for way in ways.values():
        way()
    outcomes = [[way() for way in ways.values()] for _ in range(rounds)]
    rows = [
        [*labels, *_cells([outcome[index] for outcome in outcomes])]
        for index, labels in enumerate(ways)
    ]
    return table(["warm", "client", "at once", "p50 ms", "p99 ms", "invokes/s", "errors"], rows)


def _cells(outcomes: list[Outcome]) -> Cells:
    return [
        f"{statistics.median(each.p50 for each in outcomes):.2f}",
        f"{statistics.median(each.p99 for each in outcomes):.2f}",
        f"{statistics.median(each.per_second for each in outcomes):,.0f}",
        str(sum(each.errors for each in outcomes)),
    ]


def _lives(clients: list[Client], rounds: int) -> str:
    rows = []
    for what, measure in (
        ("create to first response, ms", lambda c: measures.first_response(c, rounds * 3)),
        ("cold start, ms", lambda c: measures.cold_start(c, rounds * 3)),
        ("queue to handler, ms", lambda c: measures.queue_latency(c, rounds * 10)),
    ):
        rows.append([what, *(f"{measure(client):,.1f}" for client in clients)])
    return table(["p50", *(client.peer.name for client in clients)], rows)


def _many(client: Client, count: int) -> str:
    rows = [[f"0 to {2 * count} environments, ms", f"{measures.scale_up(client, 2 * count):,.0f}"]]
    for what, snapshots in (("started", False), ("with SnapStart", True)):
        start, memory = measures.environments(client, count, snapshots=snapshots)
        rows.append([f"FastAPI app {what}, {count} environments: start p50, ms", f"{start:,.1f}"])
        rows.append([f"FastAPI app {what}: memory of each (PSS), MB", f"{memory:.1f}"])
    return table(["environments", client.peer.name], rows)


def _quoted() -> str:
    headings = ["quoted", "first response ms", "warm p50 ms", "invokes/s at 1", "at 8"]
    return table(headings, [[name, *cells] for name, cells in QUOTED.items()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--environments", type=int, default=50)
    options = parser.parse_args()
    print(main(options.rounds, options.seconds, options.environments))
