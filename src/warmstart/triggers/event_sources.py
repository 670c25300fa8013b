"""The kinds of event sources that are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from warmstart.invoke import Invoker
from warmstart.triggers.kafka.kind import kafka_pollers
from warmstart.triggers.pollers import Pollers
from warmstart.triggers.queues.kind import queue_pollers
from warmstart.triggers.streams.destinations import FailureDestinations
from warmstart.triggers.streams.kind import stream_pollers
from warmstart.triggers.streams.positions import Positions

__all__ = ["event_sources"]


@asynccontextmanager
async def event_sources(
    invoker: Invoker,
    endpoints: Mapping[str, str],
    directory: Path,
    destinations: FailureDestinations,
) -> AsyncIterator[Pollers]:
    """Pollers of all kinds, until the end of the block.

    `endpoints` are URLs by botocore's names of services. What must outlive the process is
    kept in `directory`; what is given up goes to `destinations`.
    """
    positions = Positions(directory)
    try:
        results: dict[str, str] = {}
        streams = stream_pollers(invoker, endpoints, positions, destinations, results)
        kinds = {
            "sqs": queue_pollers(invoker, endpoints),
            "kinesis": streams,
            "dynamodb": streams,
            "kafka": kafka_pollers(invoker, endpoints, destinations, results),
        }
        async with Pollers(kinds, results=results, on_forget=positions.forget) as pollers:
            yield pollers
    finally:
        positions.close()
