"""Schedules as they are configured: EventBridge's rules, and EventBridge Scheduler's schedules.

The members have AWS's names; what AWS refuses is refused when one is made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from warmstart.triggers.enqueuer import Account, Target
from warmstart.triggers.schedules.event import rule_event, scheduler_event, with_context
from warmstart.triggers.schedules.expressions import (
    InvalidExpression,
    rule_expression,
    schedule_expression,
    zone,
)
from warmstart.triggers.schedules.timetable import Timetable

__all__ = ["Definition", "InvalidSchedule", "Rule", "SchedulerSchedule"]

_MAX_INPUT = 256 * 1024
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class InvalidSchedule(ValueError):
    """A schedule cannot be as it is configured; the message names it and says why."""


class Definition(Protocol):
    """What a schedule is, whoever runs it."""

    @property
    def schedule_expression(self) -> str: ...

    @property
    def target(self) -> Target: ...

    def arn(self, account: Account) -> str:
        """What names it."""
        ...

    def timing(self) -> str:
        """All that its times follow from; if that changes, they begin anew."""
        ...

    def timetable(self, arn: str, created: datetime) -> Timetable:
        """Its firings, if it was created at a time."""
        ...

    def payload(self, account: Account, firing: str, scheduled: datetime) -> bytes:
        """The event of a firing, whose id is `firing`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule on EventBridge's default bus, with a schedule; `input` takes the event's place.

    Raises:
        InvalidSchedule: AWS would not take it.
    """

    name: str
    schedule_expression: str
    target: Target
    input: str | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS refuses."""
        _check_name(self.name)
        _check_input(self.name, self.input)
        try:
            rule_expression(self.schedule_expression, _ANY_TIME)
        except InvalidExpression as error:
            raise InvalidSchedule(f"Rule '{self.name}': {error}") from None

    def arn(self, account: Account) -> str:
        return f"arn:aws:events:{account.region}:{account.id}:rule/{self.name}"

    def timing(self) -> str:
        return self.schedule_expression

    def timetable(self, arn: str, created: datetime) -> Timetable:
        return Timetable(name=arn, schedule=rule_expression(self.schedule_expression, created))

    def payload(self, account: Account, firing: str, scheduled: datetime) -> bytes:
        if self.input is not None:
            return self.input.encode()
        return json.dumps(rule_event(account, self.arn(account), firing, scheduled)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSchedule:
    """A schedule of EventBridge Scheduler, and its target.

    `flexible_time_window` is its `MaximumWindowInMinutes`, `None` for the mode OFF.
    `start_date` and `end_date` are aware; without a start, a rate begins when the
    schedule is created. The retries of an event that was taken, and where it goes
    if they are used up, are those of the function's asynchronous invocations.

    Raises:
        InvalidSchedule: AWS would not take it.
    """

    name: str
    schedule_expression: str
    target: Target
    schedule_expression_timezone: str = "UTC"
    start_date: datetime | None = None
    end_date: datetime | None = None
    flexible_time_window: int | None = None
    maximum_event_age_in_seconds: int = 86_400
    input: str | None = None
    group_name: str = "default"

    def __post_init__(self) -> None:
        """Refuse what AWS refuses."""
        _check_name(self.name)
        _check_input(self.name, self.input)
        window = self.flexible_time_window
        if window is not None and not 1 <= window <= 1440:
            raise self._invalid(f"a flexible window has 1 to 1440 minutes, not {window}")
        age = self.maximum_event_age_in_seconds
        if not 60 <= age <= 86_400:
            raise self._invalid(f"the maximum age is 60 to 86400 seconds, not {age}")
        for time in (self.start_date, self.end_date):
            if time is not None and time.tzinfo is None:
                raise self._invalid(f"{time.isoformat()} says no time zone")
        if self.start_date and self.end_date and self.start_date >= self.end_date:
            raise self._invalid("it ends before it starts")
        try:
            self.timetable("", _ANY_TIME)
        except InvalidExpression as error:
            raise self._invalid(str(error)) from None

    def arn(self, account: Account) -> str:
        path = f"{self.group_name}/{self.name}"
        return f"arn:aws:scheduler:{account.region}:{account.id}:schedule/{path}"

    def timing(self) -> str:
        return json.dumps(
            [
                self.schedule_expression,
                self.schedule_expression_timezone,
                self.start_date and self.start_date.isoformat(),
                self.end_date and self.end_date.isoformat(),
            ]
        )

    def timetable(self, arn: str, created: datetime) -> Timetable:
        start = created if self.start_date is None else self.start_date
        timezone = zone(self.schedule_expression_timezone)
        return Timetable(
            name=arn,
            schedule=schedule_expression(self.schedule_expression, timezone, start),
            start=self.start_date,
            end=self.end_date,
            maximum_age=timedelta(seconds=self.maximum_event_age_in_seconds),
            window=timedelta(minutes=self.flexible_time_window or 0),
        )

    def payload(self, account: Account, firing: str, scheduled: datetime) -> bytes:
        arn = self.arn(account)
        if self.input is not None:
            return with_context(self.input, arn, firing, scheduled).encode()
        return json.dumps(scheduler_event(account, arn, firing, scheduled)).encode()

    def _invalid(self, reason: str) -> InvalidSchedule:
        return InvalidSchedule(f"Schedule '{self.name}': {reason}")


def _check_name(name: str) -> None:
    allowed = name.isascii() and name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    if not allowed or len(name) > 64:
        raise InvalidSchedule(
            f"'{name}' is no name: that has 1 to 64 letters, digits, and any of - _ ."
        )


def _check_input(name: str, text: str | None) -> None:
    if text is None:
        return
    if len(text.encode()) > _MAX_INPUT:
        raise InvalidSchedule(f"The input of '{name}' is longer than {_MAX_INPUT} bytes")
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidSchedule(f"The input of '{name}' is not JSON: {error}") from None
