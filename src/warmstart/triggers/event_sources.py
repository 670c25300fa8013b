"""The kinds of event sources that are read."""

from __future__ import annotations

from collections.abc import Mapping

from warmstart.invoke import Invoker
from warmstart.triggers.pollers import Pollers
from warmstart.triggers.queues.kind import queue_pollers

__all__ = ["event_sources"]


def event_sources(invoker: Invoker, endpoints: Mapping[str, str]) -> Pollers:
    """Pollers of all kinds. `endpoints` are URLs by botocore's names of services."""
    return Pollers({"sqs": queue_pollers(invoker, endpoints)})
