"""Rules: which events of a bus invoke a function, and with what."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from warmstart.events.patterns import Matches, compile_pattern
from warmstart.triggers.buses.paths import MISSING, compile_path, select
from warmstart.triggers.buses.transformer import InputTransformer, InvalidTemplate
from warmstart.triggers.enqueuer import Account, Enqueuer, Target
from warmstart.triggers.schedules.event import timestamp

__all__ = ["BusRule", "Rules"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusRule:
    """Invokes `target` with the events of a bus that match `pattern`.

    What the function gets is the event; or `input`, which is JSON; or what is at
    `input_path` of it; or what `input_transformer` makes of it.

    Raises:
        InvalidPattern: the pattern is none.
        InvalidPath: the path is none.
        ValueError: the input is not JSON.
    """

    name: str
    target: Target
    pattern: Mapping[str, Any]
    bus: str = "default"
    input: str | None = None
    input_path: str | None = None
    input_transformer: InputTransformer | None = None
    _matches: Matches = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Hold it to its own rules."""
        object.__setattr__(self, "_matches", compile_pattern(self.pattern))
        given = (self.input, self.input_path, self.input_transformer)
        if sum(each is not None for each in given) > 1:
            raise ValueError("Only one of Input, InputPath and InputTransformer can be given")
        if self.input is not None:
            try:
                json.loads(self.input)
            except ValueError as error:
                raise ValueError(f"Input is not JSON: {error}") from None
        if self.input_path is not None:
            compile_path(self.input_path)

    def wants(self, bus: str, event: Mapping[str, Any]) -> bool:
        """Whether an event of a bus invokes the function."""
        return bus == self.bus and self._matches(event)

    def payload(self, event: Mapping[str, Any], account: Account, ingested: datetime) -> bytes:
        """What the function gets.

        Raises:
            InvalidTemplate: the transformer makes no JSON of this event.
        """
        if self.input is not None:
            return self.input.encode()
        if self.input_transformer is not None:
            return self.input_transformer.transform(event, self._reserved(event, account, ingested))
        told: Any = event
        if self.input_path is not None:
            told = select(event, compile_path(self.input_path))
        return json.dumps(None if told is MISSING else told).encode()

    def _reserved(
        self, event: Mapping[str, Any], account: Account, ingested: datetime
    ) -> dict[str, Any]:
        place = self.name if self.bus == "default" else f"{self.bus}/{self.name}"
        return {
            "aws.events.event": {name: event[name] for name in event if name != "detail"},
            "aws.events.event.json": event,
            "aws.events.event.ingestion-time": timestamp(ingested),
            "aws.events.rule-arn": f"arn:aws:events:{account.region}:{account.id}:rule/{place}",
            "aws.events.rule-name": self.name,
        }


class Rules:
    """All rules. `now` is when an event comes in."""

    def __init__(
        self,
        rules: Sequence[BusRule],
        enqueuer: Enqueuer,
        account: Account | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._enqueuer = enqueuer
        self._account = account or Account()
        self._now = now

    async def deliver(self, bus: str, event: Mapping[str, Any]) -> None:
        """Invoke the functions of all rules of the bus that an event matches.

        Raises:
            warmstart.invoke.InvokeError: one could not be kept; others may have been.
        """
        for rule in self._rules:
            if rule.wants(bus, event):
                await self._invoke(rule, event)

    async def _invoke(self, rule: BusRule, event: Mapping[str, Any]) -> None:
        try:
            payload = rule.payload(event, self._account, self._now())
        except InvalidTemplate as error:  # of this event alone, and again if it came again
            _logger.error("The event %s is lost to rule %s: %s", event.get("id"), rule.name, error)
            return
        await self._enqueuer.enqueue(rule.target.function, rule.target.qualifier, payload)
