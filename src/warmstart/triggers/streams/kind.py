"""Kinesis and DynamoDB Streams as kinds of event sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warmstart.invoke import Invoker
from warmstart.triggers.clients import Clients
from warmstart.triggers.clock import Clock
from warmstart.triggers.pollers import Kind, Poller
from warmstart.triggers.streams.destinations import FailureDestinations, destination_of
from warmstart.triggers.streams.dynamodb import DynamoDBStream
from warmstart.triggers.streams.kinesis import Kinesis
from warmstart.triggers.streams.model import Source, StreamMapping
from warmstart.triggers.streams.poller import LISTED_EVERY, StreamPoller
from warmstart.triggers.streams.positions import Positions

__all__ = ["stream_pollers"]

_TIMEOUT = 10.0


def stream_pollers(
    invoker: Invoker,
    endpoints: Mapping[str, str],
    positions: Positions,
    destinations: FailureDestinations,
    results: dict[str, str],
    *,
    clock: Clock | None = None,
    listed_every: float = LISTED_EVERY,
) -> Kind:
    """Makes pollers of streams.

    `endpoints` has the URLs of `kinesis` and `dynamodbstreams`; `results` is where each
    mapping's last processing result is told, by the mapping's id.
    """
    clients = Clients(endpoints, read_timeout=_TIMEOUT)

    def source(arn: str) -> Source:
        _, _, service, region, _ = arn.split(":", 4)
        if service == "kinesis":
            return Kinesis(clients.get("kinesis", region), arn)
        return DynamoDBStream(clients.get("dynamodbstreams", region), arn)

    def make(mapping: Mapping[str, Any]) -> Poller:
        read = StreamMapping.read(mapping)
        return StreamPoller(
            read,
            source(read.stream_arn),
            invoker,
            positions,
            destination_of(read.on_failure, destinations),
            lambda result: results.__setitem__(read.id, result),
            clock=clock,
            listed_every=listed_every,
        )

    return make
