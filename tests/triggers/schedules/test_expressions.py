"""https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from warmstart.triggers.schedules.expressions import (
    InvalidExpression,
    rule_expression,
    schedule_expression,
    zone,
)

START = datetime(2024, 2, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "interval"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(7 days)", timedelta(days=7)),
    ],
)
def test_a_rules_rate_counts_from_its_creation(expression: str, interval: timedelta) -> None:
    schedule = rule_expression(expression, START)

    assert schedule.next(START) == START + interval
    assert schedule.next(START + interval) == START + 2 * interval
    assert schedule.next(START + 2.5 * interval) == START + 3 * interval


def test_a_schedulers_rate_begins_at_its_start() -> None:
    schedule = schedule_expression("rate(1 days)", UTC, START)

    assert schedule.next(START - timedelta(days=3)) == START
    assert schedule.next(START) == START + timedelta(days=1)


def test_a_rate_after_a_long_time_is_still_in_step() -> None:
    schedule = rule_expression("rate(7 minutes)", START)

    late = schedule.next(START + timedelta(days=100 * 365, seconds=1))

    assert late is not None
    assert (late - START) % timedelta(minutes=7) == timedelta()


def test_at_comes_once_at_its_wall_time() -> None:
    schedule = schedule_expression("at(2024-07-01T09:00:00)", zone("America/New_York"), START)
    time = datetime(2024, 7, 1, 13, 0, tzinfo=UTC)

    assert schedule.next(START) == time
    assert schedule.next(time) is None


def test_cron_runs_in_the_schedules_zone() -> None:
    schedule = schedule_expression("cron(0 9 * * ? *)", zone("Asia/Tokyo"), START)

    assert schedule.next(START) == datetime(2024, 2, 29, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(30 seconds)",
        "rate(5  minutes)",
        "Rate(5 minutes)",
        "rate(5 Minutes)",
        "rate(99999999999999 days)",
        " rate(5 minutes)",
        "at(2024-07-01T09:00:00)",
        "cron(0 9 * * ?)",
        "every hour",
        "",
    ],
)
def test_what_is_no_schedule_of_a_rule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        rule_expression(expression, START)


@pytest.mark.parametrize(
    "expression",
    [
        "at(2024-07-01T09:00:00Z)",
        "at(2024-07-01 09:00:00)",
        "at(2024-13-01T09:00:00)",
        "rate(1 week)",
        "rate(0 days)",
        "cron(0 9 * * * *)",
        "hourly",
    ],
)
def test_what_is_no_schedule_of_the_scheduler_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        schedule_expression(expression, UTC, START)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/localtime"])
def test_no_such_time_zone_is_said(name: str) -> None:
    with pytest.raises(InvalidExpression, match="No time zone is called"):
        zone(name)
