"""A topic of the same cluster as an on-failure destination.

Each record is a message of its own, with the key that it had: what failed, and the event.

https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure-destination.html
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from warmstart.triggers.kafka.event import record_info
from warmstart.triggers.streams.attempts import Condition
from warmstart.triggers.streams.failures import Failure

__all__ = ["FailureTopic", "NotWritten"]

_TIMEOUT = 10.0
_LARGEST = 100 << 20
"""Bytes of a message up to which the broker is asked, whose own limit decides."""

_CONDITIONS = {Condition.RETRY_ATTEMPTS_EXHAUSTED: "RetriesExhausted"}
"""What AWS calls otherwise here than in queues and buckets."""

_logger = logging.getLogger(__name__)


class NotWritten(Exception):
    """A message is not in the topic; the text says why."""


class _TooLarge(NotWritten):
    pass


class FailureTopic:
    """`settings` are librdkafka's, of a client of the cluster."""

    def __init__(self, topic: str, settings: Mapping[str, Any]) -> None:
        self._topic = topic
        self._settings = settings
        self._lock = threading.Lock()

    async def take(self, failure: Failure) -> None:
        """Return when all of its records are in the topic."""
        await asyncio.to_thread(self._write_all, failure)

    @cached_property
    def _producer(self) -> Any:
        """Made when it is needed: it has threads of its own."""
        from confluent_kafka import Producer

        settings = {
            **self._settings,
            "linger.ms": 0,
            "message.max.bytes": _LARGEST,
            "message.timeout.ms": int(_TIMEOUT * 1000),
            "partitioner": "murmur2_random",  # as Kafka's own clients
        }
        return Producer(settings, logger=_logger)

    def _write_all(self, failure: Failure) -> None:
        for record in failure.records:
            single = replace(failure, records=(record,))
            key = b64decode(record.event["key"]) if "key" in record.event else None
            document = _document(single)
            try:
                self._write(key, document | {"payload": single.event()})
            except _TooLarge:
                self._write(key, document)  # at least where it is

    def _write(self, key: bytes | None, document: dict[str, Any]) -> None:
        errors: list[Any] = []

        def delivered(error: Any, _: Any) -> None:
            errors.append(error)

        content = json.dumps(document).encode()
        with self._lock:  # a delivery is told in whichever thread asks
            self._producer.produce(self._topic, content, key, on_delivery=delivered)
            self._producer.flush(2 * _TIMEOUT)
        if not errors:
            raise NotWritten(f"topic {self._topic}: there is no answer")
        (error,) = errors
        if error is None:
            return
        kind = _TooLarge if error.name() == "MSG_SIZE_TOO_LARGE" else NotWritten
        raise kind(f"topic {self._topic}: {error}")


def _document(failure: Failure) -> dict[str, Any]:
    document = failure.document()
    context = document["requestContext"]
    context["condition"] = _CONDITIONS.get(failure.condition, failure.condition)
    info = document[failure.place.batch_info]
    del info["recordsInfo"]
    info["recordInfo"] = record_info(failure.records[0])
    return document
