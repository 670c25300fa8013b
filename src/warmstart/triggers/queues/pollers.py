"""All event source mappings that are at work, by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from warmstart.invoke import Invoker
from warmstart.triggers.clock import Clock
from warmstart.triggers.queues.sqs import LONG_POLL, QueueMapping, QueuePoller

__all__ = ["NotRead", "Pollers"]


class NotRead(RuntimeError):
    """A source cannot be read; the message says why, and what to do."""


class Pollers:
    """Starts and stops the reading of event sources.

    An asynchronous context manager; leaving it stops all at once, and what was read and
    is not done with is handed out again. Leave it before the invoker is closed.

    `endpoints` are URLs by the service's name in ARNs: `sqs`. Nothing is read at a place
    that was not configured.
    """

    def __init__(
        self,
        invoker: Invoker,
        endpoints: Mapping[str, str],
        *,
        clock: Clock | None = None,
        long_poll: int = LONG_POLL,
    ) -> None:
        self._invoker = invoker
        self._endpoints = endpoints
        self._clock = clock
        self._long_poll = long_poll
        self._clients: dict[str, Any] = {}
        self._reading: dict[str, QueuePoller] = {}
        self._closed = False

    async def start(self, mapping: Mapping[str, Any]) -> None:
        """Read as an event source mapping says, from now on.

        Raises:
            NotRead: its source is of a kind that is not read, or no endpoint is known for it.
        """
        if self._closed:
            raise NotRead("The service is closing")
        await self.stop(mapping["UUID"])
        poller = QueuePoller(
            QueueMapping.read(mapping),
            self._client(mapping.get("EventSourceArn", "")),
            self._invoker,
            clock=self._clock,
            long_poll=self._long_poll,
        )
        poller.start()
        self._reading[mapping["UUID"]] = poller

    async def stop(self, mapping_id: str) -> None:
        """Return when nothing is read for that mapping any more."""
        poller = self._reading.pop(mapping_id, None)
        if poller is not None:
            await poller.stop()

    async def __aenter__(self) -> Pollers:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        while self._reading:
            await self._reading.popitem()[1].aclose()

    def _client(self, arn: str) -> Any:
        if not arn.startswith("arn:aws:sqs:"):
            raise NotRead(f"{arn or 'A self-managed source'} is no SQS queue, which alone is read")
        endpoint = self._endpoints.get("sqs")
        if endpoint is None:
            raise NotRead("No endpoint is configured for sqs: set AWS_ENDPOINT_URL_SQS")
        region = arn.split(":")[3]
        if region not in self._clients:
            self._clients[region] = _connect(region, endpoint, self._long_poll)
        return self._clients[region]


def _connect(region: str, endpoint: str, long_poll: int) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    session = Session()
    if session.get_credentials() is None:
        session.set_credentials("test", "test")
    return session.create_client(
        "sqs",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=2,
            read_timeout=long_poll + 10,
            max_pool_connections=50,
            retries={"total_max_attempts": 1},  # the poller tries again, and says so
        ),
    )
