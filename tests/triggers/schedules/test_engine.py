from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.triggers.played import Queue, Time, settle
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.schedules.definitions import Definition, Rule, SchedulerSchedule
from warmstart.triggers.schedules.engine import Schedules

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def time() -> Time:
    return Time(START)


@pytest.fixture
def queue(time: Time) -> Queue:
    return Queue(time)


def rule(expression: str = "rate(1 hour)", name: str = "hourly", **settings: Any) -> Rule:
    return Rule(name=name, schedule_expression=expression, target=Target("work"), **settings)


def scheduled(expression: str, **settings: Any) -> SchedulerSchedule:
    return SchedulerSchedule(
        name="s", schedule_expression=expression, target=Target("work"), **settings
    )


def schedules(folder: Path, queue: Queue, *definitions: Definition) -> Schedules:
    assert queue.time is not None
    path = folder / "state" / "schedules.sqlite"
    return Schedules(path, definitions, queue, clock=queue.time.clock)


def times(queue: Queue) -> list[str]:
    return [event["time"][5:16] for event in queue.events()]


async def test_a_rule_fires_at_its_times(tmp_path: Path, time: Time, queue: Queue) -> None:
    async with schedules(tmp_path, queue, rule()):
        await time.turn_to(START + 2.5 * HOUR)

    assert [moment for moment, *_ in queue.taken] == [START + HOUR, START + 2 * HOUR]
    assert times(queue) == ["11-24T13:00", "11-24T14:00"]


async def test_scheduler_fires_a_rate_at_once(tmp_path: Path, time: Time, queue: Queue) -> None:
    async with schedules(tmp_path, queue, scheduled("rate(1 hours)")):
        await time.turn_to(START + 1.5 * HOUR)

    assert times(queue) == ["11-24T12:00", "11-24T13:00"]


async def test_what_was_pending_is_pending_after_a_restart(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    async with schedules(tmp_path, queue, rule()):
        await time.turn_to(START + 0.5 * HOUR)
    time.set(START + 0.9 * HOUR)
    async with schedules(tmp_path, queue, rule()):
        await time.turn_to(START + HOUR)

    assert times(queue) == ["11-24T13:00"]


async def test_firings_missed_over_a_restart_follow_their_policies(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    both: list[Definition] = [rule(), scheduled("rate(1 hours)", maximum_event_age_in_seconds=7200)]
    async with schedules(tmp_path, queue, *both):
        await settle()
    queue.taken.clear()
    time.set(START + 10.5 * HOUR)
    async with schedules(tmp_path, queue, *both):
        await settle()

    by_source: dict[str, list[str]] = {}
    for event in queue.events():
        by_source.setdefault(event["source"], []).append(event["time"][11:13])
    assert by_source == {"aws.events": ["22"], "aws.scheduler": ["21", "22"]}


async def test_an_event_that_is_not_taken_is_tried_again(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    queue.refusals = 3
    async with schedules(tmp_path, queue, rule(), rule("rate(2 hours)", "other")):
        await time.turn_to(START + HOUR + timedelta(seconds=30))

    assert times(queue) == ["11-24T13:00"]
    assert queue.taken[0][0] == START + HOUR + timedelta(seconds=3)


async def test_a_kill_before_the_commit_leads_to_the_same_event_again(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    class Killed(Queue):
        async def enqueue(self, *event: Any, **options: Any) -> None:
            await super().enqueue(*event, **options)
            await asyncio.Event().wait()

    killed = Killed(time)
    async with schedules(tmp_path, killed, rule()):
        await time.turn_to(START + HOUR)
    async with schedules(tmp_path, queue, rule()):
        await settle()

    assert queue.taken == killed.taken
    assert queue.taken[0][3] == queue.events()[0]["id"]


async def test_two_servers_make_each_firing_once(
    tmp_path: Path, time: Time, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warmstart.triggers.database._PAUSE", 0)
    definitions = [rule("rate(1 minute)", f"rule-{number}") for number in range(5)]
    async with (
        schedules(tmp_path, queue, *definitions),
        schedules(tmp_path, queue, *definitions),
    ):
        for minute in range(1, 21):
            await time.turn_to(START + timedelta(minutes=minute))
            for _ in range(5):
                await settle()

    ids = [request_id for *_, request_id in queue.taken]
    assert len(ids) == len(set(ids)) == 5 * 20


async def test_changed_times_begin_anew_and_a_changed_target_does_not(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    async with schedules(tmp_path, queue, rule()):
        await settle()
    time.set(START + 0.5 * HOUR)
    async with schedules(tmp_path, queue, rule(input='{"new": "input"}')) as running:
        assert list(running.pending().values()) == [START + HOUR]
    async with schedules(tmp_path, queue, rule("rate(2 hours)")) as running:
        assert list(running.pending().values()) == [START + 2.5 * HOUR]
    async with schedules(tmp_path, queue) as running:
        assert running.pending() == {}


async def test_it_sleeps_until_there_is_something_to_do(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    fifty = [rule("rate(5 minutes)", f"rule-{number}") for number in range(50)]
    async with schedules(tmp_path, queue, *fifty):
        await time.turn_to(START + timedelta(minutes=10, seconds=30))

    assert len(queue.taken) == 2 * 50
    assert time.sleeps == [60.0] * 11  # a minute at the longest, in case the clock is set


async def test_a_clock_that_is_set_forward_is_noticed_within_a_minute(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    async with schedules(tmp_path, queue, rule("cron(0 18 * * ? *)")):
        await settle()
        time.set(START + 7 * HOUR)
        await time.turn_to(START + 7 * HOUR + timedelta(seconds=60))
        time.set(START + 5 * HOUR)
        await time.turn_to(START + 6.5 * HOUR)  # 18:00 comes again, the firing does not

    assert times(queue) == ["11-24T18:00"]


async def test_what_fires_once_leaves_nothing_to_wait_for(
    tmp_path: Path, time: Time, queue: Queue
) -> None:
    once = scheduled("at(2026-11-24T13:30:00)", schedule_expression_timezone="Europe/Berlin")
    async with schedules(tmp_path, queue, once) as running:
        assert list(running.pending().values()) == [START + 0.5 * HOUR]
        await time.turn_to(START + HOUR)
        assert running.pending() == {}

    assert len(queue.taken) == 1
