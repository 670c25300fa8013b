from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from warmstart.triggers.buses.rules import BusRule
from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Target

EVENT = """
    [functions.work.events.orders]
    Type = "EventBridgeRule"
"""


def read(properties: str) -> Triggers:
    return read_triggers(tomllib.loads(EVENT + properties), Path())


def test_rules_are_read() -> None:
    triggers = read("""
        RuleName = "big"
        EventBusName = "arn:aws:events:eu-west-1:123456789012:event-bus/shop"
        InputPath = "$.detail"
        Pattern.source = ["my.shop"]
        Pattern.detail.amount = [{ numeric = [">", 50] }]
    """)

    assert triggers.rules == (
        BusRule(
            name="big",
            target=Target("work"),
            bus="shop",
            input_path="$.detail",
            pattern={"source": ["my.shop"], "detail": {"amount": [{"numeric": [">", 50]}]}},
        ),
    )


def test_a_transformer_is_read() -> None:
    (rule,) = read("""
        Pattern.source = ["my.shop"]
        InputTransformer.InputPathsMap = { a = "$.detail.a" }
        InputTransformer.InputTemplate = '{"b": <a>}'
    """).rules

    assert rule.name == "work-orders"
    assert rule.bus == "default"
    assert rule.input_transformer is not None
    assert rule.input_transformer.transform({"detail": {"a": 1}}, {}) == b'{"b": 1}'


def test_what_is_disabled_is_left_out() -> None:
    assert read('State = "DISABLED"\nPattern.source = ["my.shop"]').rules == ()


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("", "functions.work.events.orders: Pattern is missing"),
        ("Pattern.source = 1", "functions.work.events.orders: "),
        ('Pattern.source = ["a"]\nRetryPolicy = {}', "has no 'RetryPolicy'"),
        ('Pattern.source = ["a"]\nInputTransformer = {}', "InputTemplate is missing"),
    ],
)
def test_what_makes_no_sense_is_told(properties: str, reason: str) -> None:
    with pytest.raises(InvalidTriggers, match=reason):
        read(properties)
