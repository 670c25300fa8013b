"""The telemetry of one environment, on its way to the extensions that want it.

An extension may subscribe while INIT runs, and gets what has happened since INIT
began. Until it is over all events are kept for that; then there are no new
subscribers any more, and where there are none nothing is kept at all.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

from warmstart.service.clock import Clock
from warmstart.service.environments.environment import Refusal
from warmstart.service.logs.delivery import Delivery
from warmstart.service.logs.logs_api_records import logs_api_records
from warmstart.service.logs.records import Record, record
from warmstart.service.logs.subscription import LOGS, Subscription
from warmstart.service.telemetry import Event, ExtensionOutput, Output

__all__ = ["Subscribers"]

_AS_JSON = ("2022-12-13", "2025-01-29")
"""The versions of the schema in which a line that is JSON is an object in its record."""

_MAX_HISTORY = 10_000


class Subscribers:
    """Whoever wants an environment's telemetry. `active` tells whether anybody might.

    `connecting` makes the sockets that connect to them.
    """

    def __init__(
        self, clock: Clock, connecting: Callable[[], socket.socket] = socket.socket
    ) -> None:
        self._clock = clock
        self._connecting = connecting
        self._deliveries: list[Delivery] = []
        self._history: list[Event] | None = None
        self.active = False

    def begin(self) -> None:
        """INIT begins: keep what happens for those who subscribe."""
        self._history = []
        self.active = True

    def close(self) -> None:
        """INIT is over: nobody may subscribe any more."""
        self._history = None
        self.active = bool(self._deliveries)

    def subscribe(self, name: str, subscription: Subscription) -> bool:
        """Let an extension have telemetry; false if it subscribed in the same way before.

        Raises:
            Refusal: it is too late, or the extension uses the other API.
        """
        api = subscription.api
        if self._history is None:
            message = f"{api.name} API subscription is closed already"
            raise Refusal(403, f"{api.name}.SubscriptionClosed", message)
        for each in self._deliveries:
            if each.name == name and each.subscription == subscription:
                return False
            if each.name == name and each.subscription.api is not api:
                other = each.subscription.api.name
                raise Refusal(
                    400,
                    f"{api.name}.AccessDenied",
                    f"The extension {name} is already subscribed to the {other}API. You must either"
                    " subscribe to the LogsAPI or the TelemetryAPI",
                )
        delivery = Delivery(name, subscription, self._clock, self._connecting)
        self._deliveries.append(delivery)
        for event in self._history:
            _deliver(delivery, event)
        return True

    def observe(self, event: Event) -> None:
        """Something has happened."""
        if self._history is not None and len(self._history) < _MAX_HISTORY:
            self._history.append(event)
        for delivery in self._deliveries:
            _deliver(delivery, event)

    def pause(self) -> None:
        """The environment is frozen: nobody can take anything."""
        for delivery in self._deliveries:
            delivery.pause()

    def resume(self) -> None:
        """It is not any more."""
        for delivery in self._deliveries:
            delivery.resume()

    def flush(self) -> None:
        """The environment is about to end: send what there is."""
        for delivery in self._deliveries:
            delivery.resume()
            delivery.flush()

    async def aclose(self) -> None:
        """Nobody of the subscribers is there any more."""
        self.close()
        deliveries, self._deliveries = self._deliveries, []
        self.active = False
        for delivery in deliveries:
            await delivery.aclose()


def _deliver(delivery: Delivery, event: Event) -> None:
    own = isinstance(event, ExtensionOutput) and event.name == delivery.name
    subscription = delivery.subscription
    for each in _records(event, subscription):
        kind = each["type"]
        wanted = "platform" if kind.startswith("platform.") else kind
        if wanted in subscription.types:
            delivery.add(json.dumps(each, separators=(",", ":")).encode(), own=own)


def _records(event: Event, subscription: Subscription) -> list[Record]:
    if subscription.api is LOGS:
        return logs_api_records(event, subscription.version)
    found = record(event)
    if found is None:
        return []
    if isinstance(event, (Output, ExtensionOutput)) and subscription.version in _AS_JSON:
        found["record"] = _line(event)
    return [found]


def _line(event: Output | ExtensionOutput) -> object:
    """The line; of a function that logs in JSON, the object that it stands for."""
    if event.source.function.log_format == "JSON" and event.line.startswith("{"):
        try:
            return json.loads(event.line)
        except (ValueError, RecursionError):
            pass
    return event.line
