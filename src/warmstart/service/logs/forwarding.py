"""Sends what environments report on to another CloudWatch Logs: AWS's own, or a stand-in.

A thread of its own sends, since botocore blocks. What comes while it sends is sent
together next. If the endpoint does not take it, it is tried again, and what comes
meanwhile waits; beyond `WAITING` messages the newest are dropped and counted, so that an
endpoint that is down for long costs logs there and nothing here.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from warmstart.service.logs.writer import message
from warmstart.service.telemetry import Event

__all__ = ["LogForwarder"]

_logger = logging.getLogger(__name__)

WAITING = 100_000
"""Messages that may wait to be sent."""

ATTEMPTS = 5
"""How often botocore tries to send a batch, with growing pauses, before it is dropped."""

LAST_SECONDS = 5.0
"""Seconds that `close` gives to what is still to be sent."""

_EVENTS = 10_000  # of a PutLogEvents call
_BYTES = 1024 * 1024 - 64 * 1024  # some way below the limit, which counts characters otherwise
_OVERHEAD = 26


class _Message(NamedTuple):
    group: str
    stream: str
    timestamp: int
    text: str


class LogForwarder:
    """An observer of the service that sends on what it hears. `close` sends the rest."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._client = Session().create_client(
            "logs",
            region_name=region,
            endpoint_url=endpoint,
            config=Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}),
        )
        self._waiting: queue.Queue[_Message | None] = queue.Queue(WAITING)
        self._dropped = 0
        self._streams: set[tuple[str, str]] = set()
        self._thread = threading.Thread(target=self._run, name="log-forwarder", daemon=True)
        self._thread.start()

    def on_event(self, event: Event) -> None:
        """Take an event of an environment."""
        text = message(event)
        if text is not None:
            source = event.source
            time = int(event.time * 1000)
            try:
                self._waiting.put_nowait(
                    _Message(source.function.log_group, source.log_stream, time, text)
                )
            except queue.Full:
                self._dropped += 1

    def close(self) -> None:
        """Send what waits; return when it is sent, or when that takes more than `LAST_SECONDS`."""
        try:
            self._waiting.put(None, timeout=LAST_SECONDS)
            self._thread.join(LAST_SECONDS)
        except queue.Full:
            pass  # nothing was taken for so long
        if self._thread.is_alive():  # a daemon, which does not keep the process from ending
            _logger.warning("The last log messages were not forwarded: it takes too long")
        else:
            self._client.close()

    def _run(self) -> None:
        more = True
        while more:
            messages, more = self._gathered()
            for batch in _batches(messages):
                self._send(batch)
            if self._dropped:
                dropped, self._dropped = self._dropped, 0
                _logger.warning("%d log messages were not forwarded: too many wait", dropped)

    def _gathered(self) -> tuple[list[_Message], bool]:
        """All that waits, at least one; false behind it if there will be no more."""
        messages: list[_Message] = []
        found = self._waiting.get()
        while found is not None:
            messages.append(found)
            try:
                found = self._waiting.get_nowait()
            except queue.Empty:
                return messages, True
        return messages, False

    def _send(self, batch: list[_Message]) -> None:
        group, stream = batch[0].group, batch[0].stream
        events = [{"timestamp": each.timestamp, "message": each.text} for each in batch]
        try:
            self._make(group, stream)
            self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except (BotoCoreError, ClientError) as error:
            _logger.warning("%d messages of %s were not forwarded: %s", len(batch), group, error)
        except Exception:  # such as an answer that botocore cannot read: the next may be better
            _logger.exception("%d messages of %s were not forwarded", len(batch), group)

    def _make(self, group: str, stream: str) -> None:
        """Make the group and the stream, once each."""
        if (group, stream) in self._streams:
            return
        for call, names in (
            (self._client.create_log_group, {"logGroupName": group}),
            (self._client.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            self._ignoring_existing(call, names)
        self._streams.add((group, stream))

    def _ignoring_existing(self, call: Any, names: dict[str, str]) -> None:
        try:
            call(**names)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise


def _batches(messages: list[_Message]) -> Iterator[list[_Message]]:
    """What can be sent together: of one stream, in the order of time, not too much of it."""
    ordered = sorted(messages, key=lambda each: each[:3])
    for _, found in groupby(ordered, key=lambda each: each[:2]):
        batch: list[_Message] = []
        size = 0
        for each in found:
            length = len(each.text.encode(errors="replace")) + _OVERHEAD
            if batch and (len(batch) == _EVENTS or size + length > _BYTES):
                yield batch
                batch, size = [], 0
            # The longest event that CloudWatch Logs takes.
            batch.append(each if length <= _BYTES else each._replace(text=each.text[: _BYTES // 4]))
            size += length
        yield batch
