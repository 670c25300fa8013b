"""Takes what SNS posts: `POST /_warmstart/push/sns`.

A notification invokes the functions that want the topic's. A confirmation is answered by
ConfirmSubscription at the SNS that is configured, or at AWS's of the topic's region: the
link in the message is never followed, since it may lead anywhere.

AWS signs its messages, so they need no token. Others that speak SNS's protocol have no
certificate of AWS's, and raw delivery has no signatures: such messages must be trusted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from warmstart.events.patterns import Matches, compile_pattern
from warmstart.triggers.enqueuer import Enqueuer, Target
from warmstart.triggers.push.push import Push, Refused
from warmstart.triggers.push.sns.message import read_message, record
from warmstart.triggers.push.sns.signature import Fetch, Signatures
from warmstart.triggers.push.sns.web import fetch as fetch_from_web

__all__ = ["TopicSubscription", "Topics"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicSubscription:
    """Sends a topic's messages to a function, those that match the filter policy, if any.

    `filter_policy_scope` is `MessageAttributes` or `MessageBody`.
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html

    Raises:
        InvalidPattern: the filter policy is none.
    """

    topic: str
    target: Target
    filter_policy: Mapping[str, Any] | None = None
    filter_policy_scope: str = "MessageAttributes"
    _matches: Matches | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Compile the filter policy."""
        if self.filter_policy is not None:
            object.__setattr__(self, "_matches", compile_pattern(self.filter_policy))

    def wants(self, message: Mapping[str, Any]) -> bool:
        """Whether a notification is for the function."""
        if message["TopicArn"] != self.topic:
            return False
        if self._matches is None:
            return True
        if self.filter_policy_scope == "MessageAttributes":
            return self._matches(_attributes(message.get("MessageAttributes")))
        try:
            body = json.loads(message["Message"])
        except ValueError:
            return False
        return isinstance(body, dict) and self._matches(body)


class Topics:
    """Takes the messages of all topics; `endpoint` is where SNS is, if that is not AWS."""

    def __init__(
        self,
        subscriptions: Sequence[TopicSubscription],
        enqueuer: Enqueuer,
        endpoint: str | None = None,
        fetch: Fetch = fetch_from_web,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._subscriptions = subscriptions
        self._enqueuer = enqueuer
        self._endpoint = endpoint
        self._fetch = fetch
        self._signatures = Signatures(fetch)
        self._now = now

    async def receive(self, push: Push) -> int:
        """Take a message; 200."""
        message = read_message(push, self._now())
        topic = message["TopicArn"]
        if all(subscription.topic != topic for subscription in self._subscriptions):
            raise Refused(404, f"No function wants messages of {topic!r}.")
        if push.header("x-amz-sns-rawdelivery") == "true":
            push.must_be_trusted()
        elif not push.trusted:
            await self._signatures.verify(message)
        match message["Type"]:
            case "Notification":
                await self._notify(message, push.header("x-amz-sns-subscription-arn"))
            case "SubscriptionConfirmation":
                await self._confirm(message)
            case _:
                _logger.warning("%s sends no messages any more: it was unsubscribed from", topic)
        return 200

    async def _notify(self, message: dict[str, Any], subscription: str | None) -> None:
        payload = json.dumps({"Records": [record(message, subscription)]}).encode()
        for each in self._subscriptions:
            if each.wants(message):
                target = each.target
                await self._enqueuer.enqueue(target.function, target.qualifier, payload)

    async def _confirm(self, message: dict[str, Any]) -> None:
        query = {
            "Action": "ConfirmSubscription",
            "Version": "2010-03-31",
            "TopicArn": message["TopicArn"],
            "Token": str(message.get("Token", "")),
        }
        endpoint = self._endpoint or _endpoint(message["TopicArn"])
        try:
            await self._fetch(f"{endpoint.rstrip('/')}/?{urlencode(query)}")
        except OSError as error:
            raise Refused(
                502, f"The subscription cannot be confirmed at {endpoint}: {error}"
            ) from None
        _logger.info("Subscribed to %s", message["TopicArn"])


def _endpoint(topic: str) -> str:
    """AWS's SNS of a configured topic's region."""
    _, partition, _, region, *_ = topic.split(":")
    return f"https://sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else "")


def _attributes(attributes: Any) -> dict[str, Any]:
    """The values that a filter policy sees; binary ones it does not."""
    values = {}
    for name, attribute in (attributes or {}).items():
        kind, value = attribute["Type"], attribute["Value"]
        if kind == "String.Array" or kind.startswith("Number"):
            try:
                value = json.loads(value)
            except ValueError:
                continue
        if not kind.startswith("Binary"):
            values[name] = value
    return values
