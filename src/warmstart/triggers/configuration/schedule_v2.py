"""SAM's `ScheduleV2`: a schedule of EventBridge Scheduler. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedulev2.html
"""

from __future__ import annotations

from datetime import UTC, datetime

from warmstart.triggers.configuration.tables import Table
from warmstart.triggers.configuration.triggers import Event, Gathered
from warmstart.triggers.schedules.definitions import SchedulerSchedule

__all__ = ["read_schedule_v2"]

_PROPERTIES = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "GroupName",
    "Input",
    "Name",
    "RetryPolicy",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
)


def read_schedule_v2(event: Event, gathered: Gathered) -> None:
    """Add the schedule, unless it is disabled."""
    properties = event.properties
    properties.only(*_PROPERTIES)
    if not event.is_enabled():
        return
    retries = properties.table("RetryPolicy")
    retries.only("MaximumEventAgeInSeconds")
    schedule = SchedulerSchedule(
        name=properties.given("Name", event.name),
        schedule_expression=properties.text("ScheduleExpression"),
        target=event.target,
        schedule_expression_timezone=properties.given("ScheduleExpressionTimezone", "UTC"),
        start_date=_date(properties, "StartDate"),
        end_date=_date(properties, "EndDate"),
        flexible_time_window=_window(properties.table("FlexibleTimeWindow")),
        maximum_event_age_in_seconds=retries.given("MaximumEventAgeInSeconds", 86_400),
        input=properties.optional_text("Input"),
        group_name=properties.given("GroupName", "default"),
    )
    gathered.schedules.append(schedule)


def _window(window: Table) -> int | None:
    window.only("Mode", "MaximumWindowInMinutes")
    if window.one_of("Mode", "OFF", "FLEXIBLE") == "OFF":
        return None
    return window.given("MaximumWindowInMinutes", 0)


def _date(properties: Table, name: str) -> datetime | None:
    """A time of TOML's own, or a text as AWS has it; in UTC unless it says otherwise."""
    value = properties.values.get(name)
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = value
    if time is not None and not isinstance(time, datetime):
        raise properties.wrong(f"{name} is a time, as 2027-01-01T00:00:00Z is")
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
