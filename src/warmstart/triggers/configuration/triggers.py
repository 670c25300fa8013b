"""What a configuration has, and how it is gathered from its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from warmstart.triggers.buckets.notifications import AnyBucket, Notification
from warmstart.triggers.buses.rules import BusRule
from warmstart.triggers.configuration.tables import Table
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.log_subscription import LogSubscription
from warmstart.triggers.push.sns.topics import TopicSubscription
from warmstart.triggers.push.webhooks import Webhook
from warmstart.triggers.schedules.definitions import Definition

__all__ = ["Event", "Gathered", "Reader", "Triggers"]


@dataclass(frozen=True, slots=True)
class Triggers:
    """Schedules, buckets with their notifications, and what others push.

    `buses` are those whose events come through queues, by the queues' ARNs.
    With a `push_token`, pushes that do not prove themselves otherwise must have it.
    """

    schedules: tuple[Definition, ...] = ()
    buckets: tuple[AnyBucket, ...] = ()
    rules: tuple[BusRule, ...] = ()
    buses: Mapping[str, str] = field(default_factory=dict)
    logs: tuple[LogSubscription, ...] = ()
    topics: tuple[TopicSubscription, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    push_token: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a function's `events`: its properties, without the `Type`.

    `name` is the function's and the entry's own, which nothing else in the file has.
    """

    name: str
    target: Target
    properties: Table

    def is_enabled(self) -> bool:
        """Whether neither `State` nor `Enabled` says otherwise."""
        state = self.properties.one_of("State", "ENABLED", "DISABLED")
        return state == "ENABLED" and self.properties.given("Enabled", True)


@dataclass(slots=True)
class Gathered:
    """What has been read so far. Of each bucket of the file there are its notifications."""

    schedules: list[Definition] = field(default_factory=list)
    notifications: dict[str, list[Notification]] = field(default_factory=dict)
    rules: list[BusRule] = field(default_factory=list)
    logs: list[LogSubscription] = field(default_factory=list)
    topics: list[TopicSubscription] = field(default_factory=list)
    webhooks: list[Webhook] = field(default_factory=list)


Reader = Callable[[Event, Gathered], None]
"""Adds what an event type describes.

Raises:
    ValueError: it makes no sense; the message says why.
"""
