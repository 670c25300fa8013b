"""SAM's `SNS`: notifications of a topic. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-sns.html
"""

from __future__ import annotations

import re
from typing import Any

from warmstart.triggers.configuration.triggers import Event, Gathered
from warmstart.triggers.push.sns.topics import TopicSubscription

__all__ = ["read_sns"]

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?")


def read_sns(event: Event, gathered: Gathered) -> None:
    """Add the subscription."""
    properties = event.properties
    properties.only("FilterPolicy", "FilterPolicyScope", "Topic")
    topic = properties.text("Topic")
    if not _TOPIC.fullmatch(topic):
        raise properties.wrong(f"Topic is a topic's ARN, and not {topic!r}")
    scope = properties.one_of("FilterPolicyScope", "MessageAttributes", "MessageBody")
    policy: dict[str, Any] | None = None
    if "FilterPolicy" in properties:
        policy = dict(properties.table("FilterPolicy").values)
    gathered.topics.append(TopicSubscription(topic, event.target, policy, scope))
