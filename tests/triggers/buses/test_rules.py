from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.triggers.played import Queue
from warmstart.invoke import ServiceFault
from warmstart.triggers.buses.rules import BusRule, Rules
from warmstart.triggers.buses.transformer import InputTransformer
from warmstart.triggers.enqueuer import Account, Target

EVENT = {
    "id": "1",
    "source": "my.shop",
    "detail-type": "Order Placed",
    "detail": {"amount": 99, "name": "x"},
}
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def rule(**settings: Any) -> BusRule:
    pattern = {"source": ["my.shop"], "detail": {"amount": [{"numeric": [">", 50]}]}}
    given: dict[str, Any] = {"name": "rule", "target": Target("work", "prod"), "pattern": pattern}
    return BusRule(**given | settings)


async def told(rule: BusRule, bus: str = "default", event: Any = EVENT) -> list[Any]:
    queue = Queue()
    await Rules([rule], queue, Account("eu-west-1", "123456789012"), lambda: NOW).deliver(
        bus, event
    )
    return queue.events()


async def test_an_event_that_matches_invokes_the_function() -> None:
    assert await told(rule()) == [EVENT]
    assert await told(rule(), event={**EVENT, "detail": {"amount": 1}}) == []


async def test_a_rule_hears_its_own_bus_only() -> None:
    assert await told(rule(bus="shop")) == []
    assert await told(rule(bus="shop"), "shop") == [EVENT]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"input": '{"a": 1}'}, {"a": 1}),
        ({"input_path": "$.detail"}, EVENT["detail"]),
        ({"input_path": "$.other"}, None),
        (
            {"input_transformer": InputTransformer({"a": "$.detail.amount"}, '{"amount": <a>}')},
            {"amount": 99},
        ),
    ],
)
async def test_a_rule_chooses_what_the_function_gets(
    settings: dict[str, Any], expected: Any
) -> None:
    assert await told(rule(**settings)) == [expected]


async def test_a_template_may_tell_of_the_rule_itself() -> None:
    template = json.dumps(
        {
            "name": "<aws.events.rule-name>",
            "arn": "<aws.events.rule-arn>",
            "at": "<aws.events.event.ingestion-time>",
        }
    )
    transformer = InputTransformer({}, template[:-1] + ', "event": <aws.events.event>}')
    without_detail = {name: value for name, value in EVENT.items() if name != "detail"}

    assert await told(rule(bus="shop", input_transformer=transformer), "shop") == [
        {
            "name": "rule",
            "arn": "arn:aws:events:eu-west-1:123456789012:rule/shop/rule",
            "at": "2026-11-24T12:00:00Z",
            "event": without_detail,
        }
    ]


async def test_what_cannot_be_made_json_is_told_and_left(caplog: pytest.LogCaptureFixture) -> None:
    transformer = InputTransformer({"name": "$.detail.name"}, '{<name>: "a", "b": "c"}')
    numbered = {**EVENT, "detail": {"amount": 99, "name": 1}}

    assert await told(rule(input_transformer=transformer)) == [{"x": "a", "b": "c"}]
    assert await told(rule(input_transformer=transformer), event=numbered) == []
    assert "The event 1 is lost to rule rule" in caplog.text


async def test_what_cannot_be_kept_is_told() -> None:
    with pytest.raises(ServiceFault):
        await Rules([rule()], Queue(refusals=1)).deliver("default", EVENT)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"input": "{"}, "Input is not JSON"),
        ({"input": "1", "input_path": "$"}, "Only one of"),
        ({"input_path": "detail"}, "is no path"),
        ({"pattern": {"source": 1}}, "source"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rule(**settings)
