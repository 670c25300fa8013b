"""All event source mappings that are at work, by their ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol

__all__ = ["GRACE", "Kind", "NotRead", "Poller", "Pollers"]


GRACE = 5.0
"""Seconds; so much have requests, too, that are under way when a service ends."""


class NotRead(RuntimeError):
    """A source cannot be read; the message says why, and what to do."""


class Poller(Protocol):
    """Reads one source for one mapping, from `start` until one of the others returns."""

    def start(self) -> None:
        """Begin to read."""
        ...

    async def stop(self) -> None:
        """Read no more, and return when all that was read is done with."""
        ...

    async def aclose(self) -> None:
        """Stop at once; what is under way comes again."""
        ...


Kind = Callable[[Mapping[str, Any]], Poller]
"""Makes the poller of a mapping, in the Lambda API's own members; raises `NotRead`."""


class Pollers:
    """Starts and stops the reading of event sources.

    An asynchronous context manager; leaving it stops all of them. What is at functions then
    has `grace` seconds to be done with; what is not is handed out again. Leave it before the
    invoker is closed.

    `kinds` are by the service's name in a source's ARN (`sqs`); a self-managed source is
    Kafka's (`kafka`). They write each mapping's last processing result to `results`, if they
    have one; `on_forget` hears of mappings that are gone for good.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        *,
        results: dict[str, str] | None = None,
        on_forget: Callable[[str], None] | None = None,
        grace: float = GRACE,
    ) -> None:
        self._kinds = kinds
        self._results = {} if results is None else results
        self._on_forget = on_forget
        self._reading: dict[str, Poller] = {}
        self._grace = grace
        self._closed = False

    async def start(self, mapping: Mapping[str, Any]) -> None:
        """Read as an event source mapping says, from now on.

        Raises:
            NotRead: its source is of a kind that is not read, or no endpoint is known for it.
        """
        if self._closed:
            raise NotRead("The service is closing")
        await self.stop(mapping["UUID"])
        try:
            poller = self._kind(mapping)(mapping)
        except NotRead as error:
            self._results[mapping["UUID"]] = f"PROBLEM: {error}"
            raise
        poller.start()
        self._reading[mapping["UUID"]] = poller

    async def stop(self, mapping_id: str) -> None:
        """Return when nothing is read for that mapping any more."""
        poller = self._reading.pop(mapping_id, None)
        if poller is not None:
            await poller.stop()

    def forget(self, mapping_id: str) -> None:
        """A mapping that was stopped is gone for good, and what is kept of it goes, too."""
        self._results.pop(mapping_id, None)
        if self._on_forget is not None:
            self._on_forget(mapping_id)

    def last_result(self, mapping_id: str) -> str | None:
        """What came of reading for that mapping last, since this process began."""
        return self._results.get(mapping_id)

    async def __aenter__(self) -> Pollers:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closed = True
        pollers = [self._reading.popitem()[1] for _ in range(len(self._reading))]
        closing = [self._close(poller) for poller in pollers]
        for failure in await asyncio.gather(*closing, return_exceptions=True):
            if failure is not None:  # when all are closed
                raise failure

    async def _close(self, poller: Poller) -> None:
        try:
            async with asyncio.timeout(self._grace):
                await poller.stop()
        except TimeoutError:
            await poller.aclose()

    def _kind(self, mapping: Mapping[str, Any]) -> Kind:
        arn: str = mapping.get("EventSourceArn", "")
        service = arn.split(":")[2] if arn else "kafka"
        kind = self._kinds.get(service)
        if kind is None:
            raise NotRead(
                f"{arn or 'A self-managed source'} is not read: sources are of"
                f" {', '.join(sorted(self._kinds))}"
            )
        return kind
