"""https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html"""

from __future__ import annotations

from typing import Any

import pytest

from warmstart.triggers.queues.filters import message_filter


def record(body: str) -> dict[str, Any]:
    return {"body": body, "messageAttributes": {"kind": {"stringValue": "order"}}}


@pytest.mark.parametrize(
    ("pattern", "body", "wanted"),
    [
        ('{"body": {"amount": [{"numeric": [">", 5]}]}}', '{"amount": 6}', True),
        ('{"body": {"amount": [{"numeric": [">", 5]}]}}', '{"amount": 5}', False),
        ('{"body": {"amount": [6]}}', "amount 6", False),
        ('{"body": ["amount 6"]}', "amount 6", True),
        ('{"body": [{"prefix": "amount"}]}', "other", False),
        ('{"body": [{"exists": true}]}', '{"amount": 6}', False),
        ('{"messageAttributes": {"kind": {"stringValue": ["order"]}}}', "any", True),
        ('{"messageAttributes": {"kind": {"stringValue": ["offer"]}}}', "any", False),
    ],
)
def test_a_message_is_wanted_by_a_pattern(pattern: str, body: str, wanted: bool) -> None:
    assert message_filter([pattern])(record(body)) is wanted


def test_one_of_the_patterns_is_enough_and_without_one_all_are_wanted() -> None:
    patterns = ['{"body": ["a"]}', '{"body": ["b"]}']

    assert [message_filter(patterns)(record(body)) for body in "abc"] == [True, True, False]
    assert message_filter([])(record("c"))


def test_a_body_too_deep_to_be_read_is_a_text() -> None:
    body = "[" * 100_000

    assert not message_filter(['{"body": {"a": [1]}}'])({"body": body})
    assert message_filter(['{"body": [{"prefix": "[["}]}'])({"body": body})
