from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.push.sns.topics import TopicSubscription

TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"


def read(**properties: Any) -> Triggers:
    event = {"Type": "SNS", **properties}
    return read_triggers({"functions": {"work": {"events": {"news": event}}}}, Path())


def test_topics_are_read() -> None:
    policy = {"store": ["example_corp"]}

    assert read(Topic=TOPIC).topics == (TopicSubscription(TOPIC, Target("work")),)
    assert read(Topic=TOPIC, FilterPolicy=policy, FilterPolicyScope="MessageBody").topics == (
        TopicSubscription(TOPIC, Target("work"), policy, "MessageBody"),
    )


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Topic": "orders"}, "Topic is a topic's ARN, and not 'orders'"),
        ({"Topic": TOPIC, "FilterPolicy": {"a": 1}}, "functions.work.events.news: "),
        ({"Topic": TOPIC, "FilterPolicyScope": "Body"}, "MessageAttributes or MessageBody"),
    ],
)
def test_what_makes_no_sense_is_told(properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidTriggers, match=reason):
        read(**properties)
