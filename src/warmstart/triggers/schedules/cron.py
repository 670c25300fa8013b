"""AWS's cron expressions: `cron(minutes hours day-of-month month day-of-week year)`. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

The parser is ours because no kept library reads this dialect: a year, `?` in one
of the two fields of days, `L`, `W` and `#`, and days of the week that begin with
1 for Sunday. (croniter and cronsim lack `W` or years, and count from 0.)

A field is the set of the numbers that it allows, and a day field a function from
a month to the days that it allows there, since `L`, `W` and `#` depend on it. The
next time is then found by counting upwards, from the year down to the minute.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

__all__ = ["Cron", "InvalidExpression"]

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

Days = Callable[[int, int], set[int]]
"""The days of a month (year, month) that a field allows."""


class InvalidExpression(ValueError):
    """A schedule expression has no meaning; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MINUTE = _Field("minutes", 0, 59)
_HOUR = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, tuple(_MONTHS))
_DAY_OF_WEEK = _Field("day-of-week", 1, 7, tuple(_DAYS))
_YEAR = _Field("year", 1970, 2199)


class Cron:
    """A cron expression, in a time zone."""

    def __init__(self, fields: str, zone: tzinfo = UTC, *, year_optional: bool = False) -> None:
        """Read the six fields between the parentheses.

        `year_optional` is how EventBridge Scheduler has it.

        Raises:
            InvalidExpression: they are none.
        """
        parts = fields.split()
        if year_optional and len(parts) == 5:
            parts.append("*")
        if len(parts) != 6:
            raise InvalidExpression(
                "cron has six fields, minutes hours day-of-month month day-of-week year,"
                f" and here are {len(parts)}: '{fields}'"
            )
        minutes, hours, day_of_month, month, day_of_week, year = parts
        if (day_of_month == "?") is (day_of_week == "?"):
            raise InvalidExpression(
                "One of day-of-month and day-of-week must be ?, and only one: the other says the"
                f" day, in '{fields}'"
            )
        self._zone = zone
        self._minutes = sorted(_numbers(_MINUTE, minutes))
        self._hours = sorted(_numbers(_HOUR, hours))
        self._months = sorted(_numbers(_MONTH, month))
        self._years = sorted(_numbers(_YEAR, year))
        if day_of_week == "?":
            self._days = _days_of_month(day_of_month)
        else:
            self._days = _days_of_week(day_of_week)

    def next(self, after: datetime) -> datetime | None:
        """The first time after `after` (aware), in UTC; `None` if there is none any more.

        A wall-clock time that a change of the clocks leaves out is left out, one
        that it repeats is met once, the first time.
        """
        # The wall clock shows each minute once or twice, so that a time whose wall
        # time lies a little before `after`'s own can still follow it.
        start = after.astimezone(self._zone).replace(tzinfo=None) - timedelta(hours=3)
        for wall in self._walls(start):
            time = wall.replace(tzinfo=self._zone).astimezone(UTC)
            exists = time.astimezone(self._zone).replace(tzinfo=None) == wall
            if exists and time > after:
                return time
        return None

    def _walls(self, start: datetime) -> Iterator[datetime]:
        """Wall-clock times that match, from `start`'s hour on, in their order."""
        for day in self._dates(start.date()):
            first = start.hour if day == start.date() else 0
            for hour in self._hours[bisect_left(self._hours, first) :]:
                for minute in self._minutes:
                    yield datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001

    def _dates(self, start: date) -> Iterator[date]:
        for year in self._years[bisect_left(self._years, start.year) :]:
            for month in self._months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in sorted(self._days(year, month)):
                    if date(year, month, day) >= start:
                        yield date(year, month, day)


# Fields


def _numbers(field: _Field, text: str) -> set[int]:
    """The numbers that a field without `L`, `W`, `#` and `?` allows."""
    return {number for part in text.split(",") for number in _part(field, part)}


def _part(field: _Field, text: str) -> range:
    match = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", text)
    if match is None:
        raise InvalidExpression(f"'{text}' is no value of the field {field.name}")
    whole, first, last, step = match.groups()
    if whole == "*":
        low, high = field.low, field.high
    else:
        low = _number(field, first)
        high = _number(field, last) if last else field.high if step else low
    if low > high:
        raise InvalidExpression(f"'{text}' in the field {field.name} runs backwards")
    if step is not None and int(step) == 0:
        raise InvalidExpression(f"'{text}' in the field {field.name} has a step of 0")
    return range(low, high + 1, int(step or 1))


def _number(field: _Field, text: str) -> int:
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not field.low <= number <= field.high:
        raise InvalidExpression(
            f"'{text}' is not between {field.low} and {field.high}, as the field {field.name} is"
        )
    return number


def _days_of_month(text: str) -> Days:
    parts = [_day_of_month(part) for part in text.split(",")]
    return lambda year, month: {day for part in parts for day in part(year, month)}


def _day_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: {monthrange(year, month)[1]}
    if text.endswith("W"):
        number = _number(_DAY_OF_MONTH, text[:-1])
        return lambda year, month: _nearest_weekday(year, month, number)
    numbers = set(_part(_DAY_OF_MONTH, text))
    return lambda year, month: {day for day in numbers if day <= monthrange(year, month)[1]}


def _nearest_weekday(year: int, month: int, day: int) -> set[int]:
    """The working day nearest to a day, in the same month; none if the month has no such day."""
    last = monthrange(year, month)[1]
    if day > last:
        return set()
    weekday = date(year, month, day).weekday()
    if weekday == 5:  # Saturday
        return {day - 1 if day > 1 else 3}
    if weekday == 6:
        return {day + 1 if day < last else day - 2}
    return {day}


def _days_of_week(text: str) -> Days:
    parts = [_day_of_week(part) for part in text.split(",")]
    if "#" in text and len(parts) > 1:
        raise InvalidExpression(f"Only one # may stand in the field day-of-week, alone: '{text}'")
    return lambda year, month: {day for part in parts for day in part(year, month)}


def _day_of_week(text: str) -> Days:
    if text == "L":
        return lambda year, month: _weekdays(year, month, 7)
    if text.endswith("L"):
        number = _number(_DAY_OF_WEEK, text[:-1])
        return lambda year, month: {max(_weekdays(year, month, number))}
    if "#" in text:
        name, _, place = text.partition("#")
        number = _number(_DAY_OF_WEEK, name)
        if place not in ("1", "2", "3", "4", "5"):
            raise InvalidExpression(f"# is followed by 1 to 5, not by '{place}'")
        nth = int(place)
        return lambda year, month: {
            day for day in _weekdays(year, month, number) if (day - 1) // 7 == nth - 1
        }
    numbers = set(_part(_DAY_OF_WEEK, text))
    return lambda year, month: {day for number in numbers for day in _weekdays(year, month, number)}


def _weekdays(year: int, month: int, number: int) -> set[int]:
    """The days of a month that are a day of the week, counted from 1 for Sunday."""
    weekday, length = monthrange(year, month)  # counted from 0 for Monday
    first = 1 + (number - 2 - weekday) % 7
    return set(range(first, length + 1, 7))
