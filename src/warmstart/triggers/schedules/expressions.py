"""Schedule expressions: `rate()`, `cron()` and `at()`, as rules and as Scheduler read them. Pure.

The two agree in little: a rule wants `rate(1 day)` where Scheduler takes `rate(1
days)` too, a rule's cron needs its year, and only Scheduler has `at()` and time
zones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from warmstart.triggers.schedules.cron import Cron, InvalidExpression

__all__ = [
    "At",
    "InvalidExpression",
    "Rate",
    "Schedule",
    "rule_expression",
    "schedule_expression",
    "zone",
]

_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


class Schedule(Protocol):
    """When something is to happen."""

    def next(self, after: datetime) -> datetime | None:
        """The first time after `after`, which is aware; `None` if there is none any more."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """Every `interval` since `start`; a day has 24 hours, whatever the clocks do."""

    interval: timedelta
    start: datetime

    def next(self, after: datetime) -> datetime | None:
        if after < self.start:
            return self.start
        return self.start + ((after - self.start) // self.interval + 1) * self.interval


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    time: datetime

    def next(self, after: datetime) -> datetime | None:
        return self.time if after < self.time else None


def rule_expression(expression: str, created: datetime) -> Schedule:
    """The schedule of an EventBridge rule that was created (or enabled) at a time.

    Its first firing is one interval later.

    Raises:
        InvalidExpression: the expression is none.
    """
    match = re.fullmatch(r"(rate|cron)\(([^()]*)\)", expression)
    if match is None:
        raise InvalidExpression(
            f"A rule's schedule is rate(…) or cron(…), and '{expression}' is neither"
        )
    if match[1] == "cron":
        return Cron(match[2])
    rate = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", match[2])
    if rate is None or (rate[1] == "1") is bool(rate[3]):
        raise InvalidExpression(
            "rate is a number and minute, hour or day, in the plural for any number but 1:"
            f" '{expression}'"
        )
    interval = _interval(rate[1], rate[2], expression)
    return Rate(interval, created.astimezone(UTC) + interval)


def schedule_expression(expression: str, timezone: tzinfo, start: datetime) -> Schedule:
    """The schedule of EventBridge Scheduler; a rate's first firing is at `start`.

    Raises:
        InvalidExpression: the expression is none.
    """
    match = re.fullmatch(r"(rate|cron|at)\(([^()]*)\)", expression)
    if match is None:
        raise InvalidExpression(
            f"A schedule is rate(…), cron(…) or at(…), and '{expression}' is none of them"
        )
    if match[1] == "cron":
        return Cron(match[2], timezone, year_optional=True)
    if match[1] == "at":
        return At(_at(match[2], timezone))
    rate = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", match[2])
    if rate is None:
        raise InvalidExpression(f"rate is a number and minutes, hours or days: '{expression}'")
    # In UTC, since sums in a zone of Python's are sums of its wall-clock times.
    return Rate(_interval(rate[1], rate[2], expression), start.astimezone(UTC))


def zone(name: str) -> tzinfo:
    """The time zone of that IANA name.

    Raises:
        InvalidExpression: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise InvalidExpression(f"No time zone is called '{name}'") from None


def _interval(number: str, unit: str, expression: str) -> timedelta:
    try:
        return int(number) * _UNITS[unit]
    except OverflowError:
        raise InvalidExpression(f"That is too long: '{expression}'") from None


def _at(text: str, timezone: tzinfo) -> datetime:
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text) is None:
        raise InvalidExpression(f"at is yyyy-mm-ddThh:mm:ss, without a zone, not '{text}'")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=timezone).astimezone(UTC)
    except ValueError as error:
        raise InvalidExpression(f"'{text}': {error}") from None
