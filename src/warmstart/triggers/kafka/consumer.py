"""One member of a consumer group: librdkafka's, in a thread of its own.

What it is told by the group (partitions come and go) it tells on the event loop, before
the messages that come afterwards. Where a group has no offset yet, the mapping's starting
position decides; it is committed at once, so that it means the same after a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from warmstart.triggers.pollers import NotRead

__all__ = ["Consumer", "Key"]

Key = tuple[str, int]
"""A partition: its topic and number."""

_POLL = 0.5
"""Seconds that a wait for messages takes at the most."""
_AT_ONCE = 1000
_REQUEST = 10.0

_logger = logging.getLogger(__name__)


class Consumer:
    """Reads topics for a group. `settings` are librdkafka's, of any client of the cluster.

    `revoked` is called on the loop with partitions that are no longer its own, and
    `done` tells in any thread how far those are done with that it is asked for.

    Raises:
        NotRead: the library is missing, or the configuration makes no sense to it.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        group: str,
        topics: list[str],
        start: Callable[[], float | str],
        *,
        revoked: Callable[[Iterable[Key]], None],
        done: Callable[[Iterable[Key]], Mapping[Key, int]],
        trouble: Callable[[str], None],
    ) -> None:
        try:
            import confluent_kafka
        except ImportError:
            raise NotRead(
                'Kafka is read by confluent-kafka, which is missing: pip install "warmstart[kafka]"'
            ) from None
        self._kafka: Any = confluent_kafka
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "warmstart-kafka")
        self._start = start
        self._revoked = revoked
        self._done = done
        self._trouble = trouble
        self._topics = topics
        self._closing: asyncio.Future[None] | None = None
        settings = {
            **settings,
            "group.id": group,
            "enable.auto.commit": False,
            # The least that brokers allow by default: so long are the partitions of a service
            # that was killed nobody's.
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 2000,
            "auto.offset.reset": "earliest",  # of an offset whose record is gone
            "error_cb": self._on_error,
            "on_commit": self._on_commit,
        }
        try:
            self._consumer: Any = confluent_kafka.Consumer(settings, logger=_logger)
        except (confluent_kafka.KafkaException, ValueError, TypeError) as error:
            servers = settings["bootstrap.servers"]
            raise NotRead(f"{servers} cannot be read: {error}") from None

    def subscribe(self) -> None:
        """Become a member."""
        self._consumer.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    async def messages(self) -> list[Any]:
        """What there is, as soon as there is something, or nothing after a while."""
        return await self._loop.run_in_executor(self._thread, self._messages)

    def commit(self, offsets: Mapping[Key, int]) -> None:
        """Have the group know how far partitions are done with, soon."""
        try:
            self._consumer.commit(offsets=self._places(offsets), asynchronous=True)
        except self._kafka.KafkaException as error:  # what is not known to be done comes again
            self._tell_trouble(f"offsets are not committed: {error}")

    def pause(self, key: Key) -> None:
        """Get no more of a partition until `resume`."""
        self._consumer.pause([self._kafka.TopicPartition(*key)])

    def resume(self, key: Key) -> None:
        """Get more of it."""
        self._consumer.resume([self._kafka.TopicPartition(*key)])

    async def close(self, offsets: Mapping[Key, int]) -> None:
        """Leave the group, which then knows how far everything is done with.

        To wait for that may be given up, and begun again.
        """

        def leave() -> None:
            self._commit_now(offsets)
            self._consumer.close()

        if self._closing is None:
            self._closing = self._loop.run_in_executor(self._thread, leave)
        await asyncio.shield(self._closing)
        self._thread.shutdown()

    # In its own thread

    def _messages(self) -> list[Any]:
        first = self._consumer.poll(_POLL)
        if first is None:
            return []
        found = []
        for message in (first, *self._consumer.consume(_AT_ONCE, 0)):
            if message.error() is None:
                found.append(message)
            else:
                self._tell_trouble(str(message.error()))
        return found

    def _on_assign(self, _: Any, partitions: list[Any]) -> None:
        known = self._consumer.committed(partitions, timeout=_REQUEST)
        new = {(each.topic, each.partition) for each in known if each.offset < 0}
        begun = {key: self._beginning(key) for key in new}
        for each in known:
            each.offset = begun.get((each.topic, each.partition), each.offset)
        self._consumer.assign(known)
        self._commit_now(begun)

    def _beginning(self, key: Key) -> int:
        start = self._start()
        place = self._kafka.TopicPartition(*key)
        low, high = self._consumer.get_watermark_offsets(place, timeout=_REQUEST)
        if start == "TRIM_HORIZON":
            return int(low)
        if start == "LATEST":
            return int(high)
        at = self._kafka.TopicPartition(*key, int(float(start) * 1000))
        (found,) = self._consumer.offsets_for_times([at], timeout=_REQUEST)
        return int(found.offset) if found.offset >= 0 else int(high)

    def _on_revoke(self, _: Any, partitions: list[Any]) -> None:
        keys = [(each.topic, each.partition) for each in partitions]
        self._commit_now(self._done(keys))
        self._on_lost(_, partitions)

    def _on_lost(self, _: Any, partitions: list[Any]) -> None:
        keys = [(each.topic, each.partition) for each in partitions]
        self._loop.call_soon_threadsafe(self._revoked, keys)

    def _commit_now(self, offsets: Mapping[Key, int]) -> None:
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=self._places(offsets), asynchronous=False)
        except self._kafka.KafkaException as error:
            self._tell_trouble(f"offsets are not committed: {error}")

    def _places(self, offsets: Mapping[Key, int]) -> list[Any]:
        return [self._kafka.TopicPartition(*key, offset) for key, offset in offsets.items()]

    def _on_commit(self, error: Any, _: Any) -> None:
        if error is not None:
            self._tell_trouble(f"offsets are not committed: {error}")

    def _on_error(self, error: Any) -> None:
        self._tell_trouble(str(error))

    def _tell_trouble(self, text: str) -> None:
        self._loop.call_soon_threadsafe(self._trouble, text)
