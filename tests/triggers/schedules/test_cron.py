"""Cron expressions: AWS's own examples, times worked out by hand, and an independent library.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from warmstart.triggers.schedules.cron import Cron, InvalidExpression


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(cron: Cron, after: datetime, count: int) -> list[datetime]:
    times = []
    for _ in range(count):
        time = cron.next(after)
        if time is None:
            break
        times.append(time)
        after = time
    return times


# 2024-02-27 is a Tuesday; that year has a 29 February.
@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ("0 10 * * ? *", "2024-02-27T10:00", ["2024-02-28T10:00", "2024-02-29T10:00"]),
        ("15 12 * * ? *", "2024-02-27T12:14", ["2024-02-27T12:15", "2024-02-28T12:15"]),
        ("0 18 ? * MON-FRI *", "2024-03-01T18:00", ["2024-03-04T18:00", "2024-03-05T18:00"]),
        ("0 8 1 * ? *", "2024-12-01T08:00", ["2025-01-01T08:00", "2025-02-01T08:00"]),
        ("0/15 * * * ? *", "2024-02-27T10:44", ["2024-02-27T10:45", "2024-02-27T11:00"]),
        ("*/15 * * * ? *", "2024-12-31T23:45", ["2025-01-01T00:00", "2025-01-01T00:15"]),
        ("0/10 * ? * MON-FRI *", "2024-03-01T23:50", ["2024-03-04T00:00", "2024-03-04T00:10"]),
        ("0/5 8-17 ? * MON-FRI *", "2024-03-01T17:55", ["2024-03-04T08:00", "2024-03-04T08:05"]),
        ("0 9 ? * 2#1 *", "2024-02-27T00:00", ["2024-03-04T09:00", "2024-04-01T09:00"]),
        ("0 0 29 2 ? *", "2024-02-29T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 0 L * ? *", "2024-02-27T00:00", ["2024-02-29T00:00", "2024-03-31T00:00"]),
        ("0 0 31 * ? *", "2024-03-31T00:00", ["2024-05-31T00:00", "2024-07-31T00:00"]),
        ("15 10 ? * 6L 2002-2005", "2005-11-25T10:15", ["2005-12-30T10:15"]),
        ("0 0 ? * SAT#3 *", "2024-02-27T00:00", ["2024-03-16T00:00", "2024-04-20T00:00"]),
        ("0 0 ? * L *", "2024-02-27T00:00", ["2024-03-02T00:00", "2024-03-09T00:00"]),
        ("30 8-8 ? * 1 *", "2024-02-27T00:00", ["2024-03-03T08:30", "2024-03-10T08:30"]),
        # 1 June 2024 is a Saturday, 30 June a Sunday: neither leaves its month.
        ("0 0 1W 6 ? *", "2024-05-01T00:00", ["2024-06-03T00:00"]),
        ("0 0 30W 6 ? 2024", "2024-05-01T00:00", ["2024-06-28T00:00"]),
        # 15 June 2024 is a Saturday, 16 June a Sunday, 14 June a Friday.
        ("0 0 15W 6 ? 2024", "2024-05-01T00:00", ["2024-06-14T00:00"]),
        ("0 0 16W 6 ? 2024", "2024-05-01T00:00", ["2024-06-17T00:00"]),
        ("0 0 14W 6 ? 2024", "2024-05-01T00:00", ["2024-06-14T00:00"]),
        ("0 0 31W 2,3 ? 2025", "2025-01-01T00:00", ["2025-03-31T00:00"]),
        ("0 0 1,15,L jan,JUL ? 2024", "2024-01-02T00:00", ["2024-01-15T00:00", "2024-01-31T00:00"]),
        ("59 23 31 12 ? 2199", "2024-01-01T00:00", ["2199-12-31T23:59"]),
    ],
)
def test_the_next_times_are_those_of_the_calendar(
    fields: str, after: str, expected: list[str]
) -> None:
    found = following(Cron(fields), utc(after), len(expected))
    assert found == [utc(time) for time in expected]


@pytest.mark.parametrize("fields", ["0 0 30 2 ? *", "0 0 1 1 ? 2020", "0 0 ? 2 MON#5 2025"])
def test_what_never_comes_has_no_next_time(fields: str) -> None:
    assert Cron(fields).next(utc("2024-01-01T00:00")) is None


class TestChangesOfTheClocks:
    """In Europe/Berlin 2024: forward from 02:00 on 31 March, back from 03:00 on 27 October."""

    berlin = ZoneInfo("Europe/Berlin")

    def test_a_time_that_the_spring_leaves_out_is_left_out(self) -> None:
        found = following(Cron("30 2 * * ? *", self.berlin), utc("2024-03-29T12:00"), 3)
        assert found == [utc("2024-03-30T01:30"), utc("2024-04-01T00:30"), utc("2024-04-02T00:30")]

    def test_a_time_that_the_autumn_repeats_comes_once(self) -> None:
        found = following(Cron("30 2 * * ? *", self.berlin), utc("2024-10-26T12:00"), 2)
        assert found == [utc("2024-10-27T00:30"), utc("2024-10-28T01:30")]

    def test_between_the_two_occurrences_the_next_is_tomorrows(self) -> None:
        between = utc("2024-10-27T01:00")
        assert Cron("30 2 * * ? *", self.berlin).next(between) == utc("2024-10-28T01:30")

    def test_every_quarter_of_an_hour_skips_the_repeated_hour_and_no_other(self) -> None:
        cron = Cron("0/15 * * * ? *", self.berlin)
        found = following(cron, utc("2024-10-27T00:30"), 3)
        assert found == [utc("2024-10-27T00:45"), utc("2024-10-27T02:00"), utc("2024-10-27T02:15")]

    def test_a_half_hours_change_is_met_too(self) -> None:
        # Lord Howe Island, 7 April 2024: back from 02:00 (+11) to 01:30 (+10:30).
        lord_howe = ZoneInfo("Australia/Lord_Howe")
        found = following(Cron("45 1 * * ? *", lord_howe), utc("2024-04-05T20:00"), 2)
        assert found == [utc("2024-04-06T14:45"), utc("2024-04-07T15:15")]

    def test_a_whole_day_that_was_left_out_is_left_out(self) -> None:
        # Samoa had no 30 December 2011.
        found = following(
            Cron("0 12 * * ? *", ZoneInfo("Pacific/Apia")), utc("2011-12-29T00:00"), 2
        )
        assert found == [utc("2011-12-29T22:00"), utc("2011-12-30T22:00")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("0 1 * * * *", "One of day-of-month and day-of-week must be ?"),
        ("0 1 ? * ? *", "One of day-of-month and day-of-week must be ?"),
        ("0 1 * * ?", "cron has six fields"),
        ("71 1 * * ? *", "'71' is not between 0 and 59"),
        ("0 24 * * ? *", "'24' is not between 0 and 23"),
        ("0 0 0 * ? *", "'0' is not between 1 and 31"),
        ("0 0 * 13 ? *", "'13' is not between 1 and 12"),
        ("0 0 ? * 8 *", "'8' is not between 1 and 7"),
        ("0 0 ? * XYZ *", "'XYZ' is not between 1 and 7"),
        ("0 0 * * ? 2200", "'2200' is not between 1970 and 2199"),
        ("0 0 * * ? 1969", "'1969' is not between 1970 and 2199"),
        ("5-1 0 * * ? *", "runs backwards"),
        ("0/0 0 * * ? *", "step of 0"),
        ("0 0 ? * 2#6 *", "# is followed by 1 to 5"),
        ("0 0 ? * 2#1,3#1 *", "Only one #"),
        ("0 0 1-3W * ? *", "'1-3' is not between"),
        ("a b c d ? e", "'a' is not between"),
        ("1,,2 0 * * ? *", "'' is no value of the field minutes"),
        ("-1 0 * * ? *", "'-1' is no value of the field minutes"),
        ("½ 0 * * ? *", "'½' is no"),
    ],
)
def test_what_is_no_expression_is_refused_by_its_field(fields: str, reason: str) -> None:
    with pytest.raises(InvalidExpression, match=f".*{reason.replace('?', '[?]')}"):
        Cron(fields)


def test_scheduler_may_leave_out_the_year() -> None:
    cron = Cron("0 0 1 1 ?", year_optional=True)
    assert cron.next(utc("2024-06-01T00:00")) == utc("2025-01-01T00:00")


MOMENTS = st.integers(978_307_200, 4_070_908_800).map(lambda s: datetime.fromtimestamp(s, UTC))


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    spans = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    part = number.map(str) | spans | st.integers(1, high).map("*/{}".format)
    return st.just("*") | st.lists(part, min_size=1, max_size=3).map(",".join)


@given(
    numbers(0, 59),
    numbers(0, 23),
    numbers(1, 28),
    numbers(1, 12),
    MOMENTS,
)
def test_days_of_months_agree_with_an_independent_library(
    minute: str, hour: str, day: str, month: str, after: datetime
) -> None:
    theirs = list(islice(CronSim(f"{minute} {hour} {day} {month} *", after), 3))
    assert following(Cron(f"{minute} {hour} {day} {month} ? *"), after, 3) == theirs


@given(
    numbers(0, 59),
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
    st.sampled_from(["", "#1", "#2", "#4", "L"]),
    MOMENTS,
)
def test_days_of_the_week_agree_with_an_independent_library(
    minute: str, days: list[int], suffix: str, after: datetime
) -> None:
    if suffix:
        days = days[:1]
    theirs = ",".join(f"{day}{suffix}" for day in days)
    ours = ",".join(f"{day + 1}{suffix}" for day in days)
    expected = list(islice(CronSim(f"{minute} 7 * * {theirs}", after), 3))
    assert following(Cron(f"{minute} 7 ? * {ours} *"), after, 3) == expected


@given(MOMENTS, st.integers(0, 59))
def test_every_hour_has_its_minute_but_for_the_hours_the_clocks_change(
    after: datetime, minute: int
) -> None:
    found = following(Cron(f"{minute} * * * ? *", ZoneInfo("America/New_York")), after, 30)
    gaps = {later - earlier for earlier, later in pairwise(found)}
    assert gaps <= {timedelta(hours=1), timedelta(hours=2)}
    assert all(time.minute == minute for time in found)
