"""Kafka as a kind of event sources: self-managed, and Amazon MSK.

https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-configure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from warmstart.invoke import Invoker
from warmstart.triggers.clients import Clients
from warmstart.triggers.clock import Clock
from warmstart.triggers.kafka.cluster import Cluster
from warmstart.triggers.kafka.consumer import Consumer, Key
from warmstart.triggers.kafka.event import Partition, value_filter
from warmstart.triggers.kafka.member import Member
from warmstart.triggers.kafka.poller import KafkaPoller
from warmstart.triggers.kafka.topic import FailureTopic
from warmstart.triggers.pollers import Kind, Poller
from warmstart.triggers.streams.batch import BatchHandler
from warmstart.triggers.streams.destinations import FailureDestinations, destination_of
from warmstart.triggers.streams.failures import OnFailure
from warmstart.triggers.streams.model import StreamMapping

__all__ = ["kafka_pollers"]

_WINDOW = 0.5
"""Seconds, where a mapping does not say."""

_RETRIES = 10
"""Where a mapping has an on-failure destination, and does not say how often.
https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html"""

_TOPIC = "kafka://"
_TIMEOUT = 10.0


def kafka_pollers(
    invoker: Invoker,
    endpoints: Mapping[str, str],
    destinations: FailureDestinations,
    results: dict[str, str],
    *,
    clock: Clock | None = None,
) -> Kind:
    """Makes pollers of topics.

    `endpoints` has the URLs of `secretsmanager` and `kafka`, for those clusters that need
    them; `results` is where mappings' last processing results are told.
    """
    clients = Clients(endpoints, read_timeout=_TIMEOUT)

    def make(mapping: Mapping[str, Any]) -> Poller:
        cluster = Cluster(mapping, clients)
        read = _read(mapping)
        is_wanted = value_filter(read.patterns)
        report = partial(results.__setitem__, read.id)
        # To be refused at once, if it cannot be.
        _destination(read.on_failure, {}, destinations)

        def join(settings: Mapping[str, Any]) -> Member:
            destination = _destination(read.on_failure, settings, destinations)
            servers = settings["bootstrap.servers"]

            def handler(key: Key) -> BatchHandler:
                place = Partition("{}-{}".format(*key), "KafkaBatchInfo", servers, cluster.arn)
                return BatchHandler(read, place, invoker, destination, clock or Clock(), report)

            topics = list(mapping["Topics"])
            consumer = partial(
                Consumer, settings, _group(mapping), topics, partial(_start, mapping)
            )
            return Member(read, consumer, handler, is_wanted, report)

        return KafkaPoller(cluster.settings, join, report)

    return make


def _group(mapping: Mapping[str, Any]) -> str:
    for member in ("SelfManagedKafkaEventSourceConfig", "AmazonManagedKafkaEventSourceConfig"):
        if member in mapping:
            return str(mapping[member]["ConsumerGroupId"])
    return str(mapping["UUID"])


def _start(mapping: Mapping[str, Any]) -> float | str:
    position: str = mapping["StartingPosition"]
    at: float = mapping.get("StartingPositionTimestamp", 0.0)
    return at if position == "AT_TIMESTAMP" else position


def _read(mapping: Mapping[str, Any]) -> StreamMapping:
    source = f"Kafka's {', '.join(mapping['Topics'])}"
    assumed = {"EventSourceArn": source, "MaximumBatchingWindowInSeconds": _WINDOW}
    read = replace(StreamMapping.read(assumed | dict(mapping)), retries_failed_alone=True)
    if read.on_failure and read.maximum_retry_attempts < 0:
        return replace(read, maximum_retry_attempts=_RETRIES)
    return read


def _destination(
    target: str | None, settings: Mapping[str, Any], destinations: FailureDestinations
) -> OnFailure | None:
    if target is not None and target.startswith(_TOPIC):
        return FailureTopic(target.removeprefix(_TOPIC), settings)
    return destination_of(target, destinations)
