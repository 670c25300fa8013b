"""SQS as a kind of event sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warmstart.invoke import Invoker
from warmstart.triggers.clients import Clients
from warmstart.triggers.clock import Clock
from warmstart.triggers.pollers import Kind, Poller
from warmstart.triggers.queues.sqs import LONG_POLL, QueueMapping, QueuePoller

__all__ = ["queue_pollers"]


def queue_pollers(
    invoker: Invoker,
    endpoints: Mapping[str, str],
    *,
    clock: Clock | None = None,
    long_poll: int = LONG_POLL,
) -> Kind:
    """Makes pollers of queues; `endpoints` has the URL of `sqs`."""
    clients = Clients(endpoints, read_timeout=long_poll + 10)

    def make(mapping: Mapping[str, Any]) -> Poller:
        arn: str = mapping["EventSourceArn"]
        return QueuePoller(
            QueueMapping.read(mapping),
            clients.get("sqs", arn.split(":")[3]),
            invoker,
            clock=clock,
            long_poll=long_poll,
        )

    return make
