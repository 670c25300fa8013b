from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warmstart.triggers.buckets.notifications import Bucket, Notification
from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.schedules.definitions import Rule, SchedulerSchedule

BASE = Path("/base")
WORK = Target("work")


def read(text: str) -> Triggers:
    return read_triggers(tomllib.loads(text), BASE)


def test_an_empty_file_has_no_triggers() -> None:
    assert read("") == Triggers()


def test_a_rule_is_read() -> None:
    triggers = read("""
        [functions."work:prod".events.often]
        Type = "Schedule"
        Schedule = "rate(5 minutes)"
        Input = '{"a": 1}'
    """)

    assert triggers.schedules == (
        Rule(
            name="work-often",
            schedule_expression="rate(5 minutes)",
            target=Target("work", "prod"),
            input='{"a": 1}',
        ),
    )


def test_a_schedule_of_scheduler_is_read() -> None:
    triggers = read("""
        [functions.work.events.nightly]
        Type = "ScheduleV2"
        Name = "night"
        GroupName = "jobs"
        ScheduleExpression = "cron(0 3 * * ? *)"
        ScheduleExpressionTimezone = "Europe/Berlin"
        StartDate = "2027-01-01T00:00:00Z"
        EndDate = 2028-01-01T00:00:00
        FlexibleTimeWindow = { Mode = "FLEXIBLE", MaximumWindowInMinutes = 15 }
        RetryPolicy = { MaximumEventAgeInSeconds = 3600 }
    """)

    assert triggers.schedules == (
        SchedulerSchedule(
            name="night",
            group_name="jobs",
            schedule_expression="cron(0 3 * * ? *)",
            schedule_expression_timezone="Europe/Berlin",
            target=WORK,
            start_date=datetime(2027, 1, 1, tzinfo=UTC),
            end_date=datetime(2028, 1, 1, tzinfo=UTC),
            flexible_time_window=15,
            maximum_event_age_in_seconds=3600,
        ),
    )


def test_uploads_are_read() -> None:
    triggers = read("""
        [functions.work.events.photos]
        Type = "S3"
        Bucket = "uploads"
        Filter.S3Key.Rules = [
            { Name = "prefix", Value = "in/" },
            { Name = "suffix", Value = ".jpg" },
        ]

        [functions.work.events.deletions]
        Type = "S3"
        Bucket = "uploads"
        Events = ["s3:ObjectRemoved:*"]

        [buckets]
        uploads = "files"
        other = "/elsewhere"
    """)

    photos = Notification(target=WORK, prefix="in/", suffix=".jpg", id="work-photos")
    deletions = Notification(target=WORK, events=("s3:ObjectRemoved:*",), id="work-deletions")
    assert triggers.buckets == (
        Bucket("uploads", BASE / "files", (photos, deletions)),
        Bucket("other", Path("/elsewhere")),
    )


def test_what_is_disabled_is_left_out() -> None:
    event = '[functions.work.events.{}]\nType = "Schedule"\nSchedule = "rate(1 day)"\n{}\n'

    text = event.format("a", "Enabled = false") + event.format("b", 'State = "DISABLED"')
    assert read(text) == Triggers()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[function.work]", "the file has no 'function'; it has buckets, buses, functions, push"),
        ("functions = 1", "the file: functions is a table, and not 1"),
        ("functions.work.event.a.Type = 'S3'", "functions.work has no 'event'"),
        (
            "functions.work.events.a = {}",
            "Type is one of CloudWatchLogs, EventBridgeRule, S3, SNS, Schedule, ScheduleV2,"
            " Webhook, and not None",
        ),
        ("functions.work.events.a = {Type = 'S3'}", "functions.work.events.a: Bucket is missing"),
        ("functions.w.events.a = {Type = 'S3', Bucket = 'b'}", "does not say where 'b' is"),
        ("functions.w.events.a = {Type = 'Schedule', Cron = ''}", "has no 'Cron'; it has"),
        ("functions.w.events.a = {Type = 'Schedule', Schedule = 5}", "Schedule is a text"),
        ("functions.w.events.a = {Type = 'Schedule', Schedule = 'x'}", "Rule 'w-a': A rule's"),
        (
            "functions.w.events.a = {Type = 'Schedule', Schedule = 'rate(1 day)', State = 'ON'}",
            "State is ENABLED or DISABLED, and not 'ON'",
        ),
        (
            "functions.w.events.a = {Type = 'ScheduleV2', ScheduleExpression = 'rate(1 day)',"
            " StartDate = 'soon'}",
            "StartDate is a time",
        ),
        (
            "functions.w.events.a = {Type = 'ScheduleV2', ScheduleExpression = 'rate(1 day)',"
            " FlexibleTimeWindow = {Mode = 'ON'}}",
            "Mode is OFF or FLEXIBLE",
        ),
        ("buckets.Up = 'x'", "buckets: 'Up' is no name of a bucket"),
        ("buckets.uploads = 1", "buckets: uploads is a text"),
        (
            "buckets.uploads = 'x'\nfunctions.w.events.a = {Type = 'S3', Bucket = 'uploads',"
            " Events = 'ObjectCreated'}",
            "functions.w.events.a: A bucket has no event 'ObjectCreated'",
        ),
        (
            "buckets.uploads = 'x'\nfunctions.w.events.a = {Type = 'S3', Bucket = 'uploads',"
            " Filter.S3Key.Rules = [{Name = 'infix', Value = 'x'}]}",
            "Filter has no 'infix'",
        ),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(InvalidTriggers) as raised:
        read(text)

    assert reason in str(raised.value)
