from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from warmstart.triggers.schedules.cron import Cron
from warmstart.triggers.schedules.expressions import Rate, Schedule, schedule_expression
from warmstart.triggers.schedules.timetable import Decision, Timetable

MINUTE = timedelta(minutes=1)
YEAR_2024 = datetime(2024, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)
HOURLY = Rate(timedelta(hours=1), START)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def test_nothing_is_made_before_its_time() -> None:
    table = Timetable(name="x", schedule=HOURLY)

    assert table.decide(at(1), at(0.99)) == Decision([], at(1))


def test_a_rule_makes_up_for_missed_firings_with_the_latest() -> None:
    table = Timetable(name="x", schedule=HOURLY)

    assert table.decide(at(1), at(1)) == Decision([at(1)], at(2))
    assert table.decide(at(1), at(5.5)) == Decision([at(5)], at(6))


def test_scheduler_makes_up_for_each_missed_firing_within_its_age() -> None:
    table = Timetable(name="x", schedule=HOURLY, maximum_age=timedelta(hours=3))

    assert table.decide(at(1), at(2.5)) == Decision([at(1), at(2)], at(3))
    assert table.decide(at(1), at(9.5)) == Decision([at(7), at(8), at(9)], at(10))


def test_a_one_time_schedule_is_made_up_for_within_its_age_and_ends_then() -> None:
    schedule = schedule_expression("at(2026-03-01T06:00:00)", UTC, START)
    table = Timetable(name="x", schedule=schedule, end=at(1), maximum_age=timedelta(hours=3))

    assert table.next(START) == at(6)
    assert table.decide(at(6), at(8)) == Decision([at(6)], None)
    assert table.decide(at(6), at(9.5)) == Decision([], None)


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    table = Timetable(name="x", schedule=HOURLY)

    assert table.decide(at(6), at(2)) == Decision([], at(6))


def test_start_and_end_bound_the_firings_and_belong_to_them() -> None:
    table = Timetable(name="x", schedule=HOURLY, start=at(3), end=at(5))

    assert table.next(at(0)) == at(3)
    assert table.next(at(4)) == at(5)
    assert table.next(at(5)) is None


def test_a_flexible_window_puts_firings_off_within_it_and_always_by_the_same() -> None:
    window = timedelta(minutes=15)
    table = Timetable(name="x", schedule=HOURLY, maximum_age=timedelta(hours=3), window=window)
    delays = [table.due(at(hour)) - at(hour) for hour in range(100)]

    assert all(timedelta(0) <= delay < window for delay in delays)
    assert len(set(delays)) == 100
    assert table.due(at(1)) == table.due(at(1))
    assert table.decide(at(1), table.due(at(1)) - timedelta(seconds=1)) == Decision([], at(1))
    assert table.decide(at(1), table.due(at(1))) == Decision([at(1)], at(2))


@pytest.mark.parametrize(
    ("missed_since", "now", "latest"),
    [
        # Five past nine in Berlin, before and after the clocks went forward on 29 March 2026.
        ((3, 20), datetime(2026, 3, 29, 7, 4, tzinfo=UTC), datetime(2026, 3, 28, 8, 5, tzinfo=UTC)),
        ((3, 20), datetime(2026, 3, 29, 7, 5, tzinfo=UTC), datetime(2026, 3, 29, 7, 5, tzinfo=UTC)),
        ((3, 20), datetime(2027, 3, 28, 7, 6, tzinfo=UTC), datetime(2027, 3, 28, 7, 5, tzinfo=UTC)),
    ],
)
def test_the_latest_is_found_across_changes_of_the_clocks(
    missed_since: tuple[int, int], now: datetime, latest: datetime
) -> None:
    cron = Cron("5 9 * * ? *", ZoneInfo("Europe/Berlin"))
    table = Timetable(name="x", schedule=cron)
    pending = cron.next(datetime(2026, *missed_since, tzinfo=UTC))
    assert pending is not None

    assert table.decide(pending, now).firings == [latest]


@given(
    st.sampled_from([("0 0 29 2 *", "0 0 29 2 ? *"), ("*/7 3 * * *", "*/7 3 * * ? *")]),
    st.integers(0, 6 * 365 * 24 * 60).map(lambda minutes: YEAR_2024 + minutes * MINUTE),
)
def test_the_latest_is_that_of_an_independent_cron(
    expressions: tuple[str, str], now: datetime
) -> None:
    unix, aws = expressions
    schedule: Schedule = Cron(aws)
    pending = schedule.next(datetime(2023, 12, 31, tzinfo=UTC))
    assert pending is not None
    backwards = CronSim(unix, now + MINUTE, reverse=True)
    expected = next(backwards)

    firings = Timetable(name="x", schedule=schedule).decide(pending, now).firings

    assert firings == ([expected] if expected >= pending else [])
