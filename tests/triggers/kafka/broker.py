"""A Kafka cluster over TCP: librdkafka's own mock, which clients take for a real one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer

__all__ = ["Cluster"]


class Cluster:
    """One broker, on a port of 127.0.0.1. Topics are there once they are written to."""

    def __init__(self) -> None:
        settings = {
            "bootstrap.servers": "replaced-by-the-mock",
            "test.mock.num.brokers": 1,
            "linger.ms": 0,
            "message.max.bytes": 8 << 20,
        }
        self._producer = Producer(settings, logger=logging.getLogger(__name__))
        (broker,) = self._producer.list_topics(timeout=10).brokers.values()
        self.servers = f"{broker.host}:{broker.port}"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Cluster]:
        cluster = cls()
        try:
            yield cluster
        finally:
            cluster._producer.flush(10)
            del cluster._producer

    def write(
        self,
        topic: str,
        *values: str | bytes | None,
        partition: int = 0,
        key: str | None = None,
        headers: dict[str, bytes] | None = None,
    ) -> None:
        """Return once the messages are in the topic."""
        for value in values:
            self._producer.produce(
                topic, value, key, partition, headers=list((headers or {}).items())
            )
        assert self._producer.flush(10) == 0

    def read(self, topic: str, count: int) -> list[Any]:
        """So many messages of a topic, from its beginning."""
        reader = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": f"test-of-{topic}",
                "auto.offset.reset": "earliest",
            },
            logger=logging.getLogger(__name__),
        )
        reader.subscribe([topic])
        found: list[Any] = []
        while len(found) < count:
            message = reader.poll(0.5)
            if message is not None and message.error() is None:
                found.append(message)
        reader.close()
        return found
