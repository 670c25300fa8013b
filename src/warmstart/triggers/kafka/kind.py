"""Self-managed Kafka as a kind of event sources.

https://docs.aws.amazon.com/lambda/latest/dg/with-kafka-configure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from warmstart.invoke import Invoker
from warmstart.triggers.clock import Clock
from warmstart.triggers.kafka.consumer import Consumer, Key
from warmstart.triggers.kafka.event import Partition, value_filter
from warmstart.triggers.kafka.poller import KafkaPoller
from warmstart.triggers.kafka.topic import FailureTopic
from warmstart.triggers.pollers import Kind, NotRead, Poller
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


def kafka_pollers(
    invoker: Invoker,
    destinations: FailureDestinations,
    results: dict[str, str],
    *,
    clock: Clock | None = None,
) -> Kind:
    """Makes pollers of topics; `results` is where mappings' last processing results are told."""

    def make(mapping: Mapping[str, Any]) -> Poller:
        _refuse_what_is_not_honoured(mapping)
        read = _read(mapping)
        servers = ",".join(_servers(mapping))
        group = mapping["SelfManagedKafkaEventSourceConfig"]["ConsumerGroupId"]
        start = mapping["StartingPosition"]
        report = partial(results.__setitem__, read.id)
        settings = {"bootstrap.servers": servers, "client.id": "warmstart"}
        destination = _destination(read.on_failure, settings, destinations)

        def handler(key: Key) -> BatchHandler:
            place = Partition("{}-{}".format(*key), "KafkaBatchInfo", servers)
            return BatchHandler(read, place, invoker, destination, clock or Clock(), report)

        consumer = partial(
            Consumer,
            settings,
            group,
            list(mapping["Topics"]),
            lambda: mapping["StartingPositionTimestamp"] if start == "AT_TIMESTAMP" else start,
        )
        return KafkaPoller(read, consumer, handler, value_filter(read.patterns), report)

    return make


def _servers(mapping: Mapping[str, Any]) -> list[str]:
    source = mapping.get("SelfManagedEventSource")
    if source is None:
        raise NotRead(
            f"{mapping.get('EventSourceArn')} is not read: of Kafka only what"
            " SelfManagedEventSource names by its KAFKA_BOOTSTRAP_SERVERS"
        )
    found: list[str] = (source.get("Endpoints") or {}).get("KAFKA_BOOTSTRAP_SERVERS") or []
    if not found:
        raise NotRead("SelfManagedEventSource has no KAFKA_BOOTSTRAP_SERVERS")
    return found


def _refuse_what_is_not_honoured(mapping: Mapping[str, Any]) -> None:
    """Rather than read in another way than was asked for."""
    access = {each["Type"] for each in mapping.get("SourceAccessConfigurations") or ()}
    if secret := sorted(each for each in access if not each.startswith("VPC_")):
        raise NotRead(
            f"{', '.join(secret)} names a secret of AWS Secrets Manager, which is not asked here:"
            " only brokers without authentication are read"
        )


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
