"""https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from warmstart.events.source import Source, detect
from warmstart.triggers.enqueuer import Account, Target
from warmstart.triggers.schedules.definitions import InvalidSchedule, Rule, SchedulerSchedule

ACCOUNT = Account("eu-central-1", "111122223333")
TIME = datetime(2026, 11, 24, 12, tzinfo=UTC)
TARGET = Target("work")


def schedule(expression: str = "rate(1 hours)", **settings: Any) -> SchedulerSchedule:
    return SchedulerSchedule(name="mine", schedule_expression=expression, target=TARGET, **settings)


def test_a_rule_sends_aws_scheduled_event() -> None:
    rule = Rule(name="my-rule", schedule_expression="rate(5 minutes)", target=TARGET)
    event = json.loads(rule.payload(ACCOUNT, "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", TIME))

    assert event == {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "111122223333",
        "time": "2026-11-24T12:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:111122223333:rule/my-rule"],
        "detail": {},
    }
    assert detect(event) is Source.SCHEDULE


def test_an_input_takes_the_place_of_the_event() -> None:
    rule = Rule(name="r", schedule_expression="rate(1 day)", target=TARGET, input='{"a": 1}')

    assert rule.payload(ACCOUNT, "id", TIME) == b'{"a": 1}'


def test_a_schedule_without_input_sends_a_notification() -> None:
    event = json.loads(schedule().payload(ACCOUNT, "id", TIME))

    assert event["source"] == "aws.scheduler"
    assert event["resources"] == [
        "arn:aws:scheduler:eu-central-1:111122223333:schedule/default/mine"
    ]
    assert event["detail"] == "{}"
    assert detect(event) is Source.SCHEDULE


def test_a_schedules_input_knows_its_firing() -> None:
    text = '{"at": "<aws.scheduler.scheduled-time>", "id": "<aws.scheduler.execution-id>"}'
    payload = schedule(input=text).payload(ACCOUNT, "the-id", TIME)

    assert json.loads(payload) == {"at": "2026-11-24T12:00:00Z", "id": "the-id"}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"expression": "rate(0 minutes)"}, "rate is a number"),
        ({"schedule_expression_timezone": "Mars/Olympus"}, "No time zone"),
        ({"flexible_time_window": 1441}, "1 to 1440 minutes"),
        ({"maximum_event_age_in_seconds": 59}, "60 to 86400"),
        ({"start_date": datetime.fromisoformat("2026-01-01")}, "no time zone"),
        ({"start_date": TIME, "end_date": TIME}, "ends before"),
        ({"input": "{"}, "not JSON"),
        ({"input": json.dumps("x" * 262_144)}, "longer"),
    ],
)
def test_what_aws_refuses_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidSchedule, match=reason):
        schedule(**settings)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "ä"])
def test_a_name_is_one_of_aws(name: str) -> None:
    with pytest.raises(InvalidSchedule, match="no name"):
        Rule(name=name, schedule_expression="rate(1 day)", target=TARGET)


def test_a_rule_has_neither_at_nor_a_plural_for_one() -> None:
    for expression in ("at(2026-01-01T00:00:00)", "rate(1 days)", "cron(0 1 * * * *)"):
        with pytest.raises(InvalidSchedule, match="Rule 'r'"):
            Rule(name="r", schedule_expression=expression, target=TARGET)
