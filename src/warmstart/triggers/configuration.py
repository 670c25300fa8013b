"""Triggers as a `warmstart.toml` writes them down. Pure.

    [functions.work.events.nightly]
    Type = "ScheduleV2"
    ScheduleExpression = "cron(0 3 * * ? *)"
    ScheduleExpressionTimezone = "Europe/Berlin"

    [functions.work.events.photos]
    Type = "S3"
    Bucket = "uploads"
    Filter.S3Key.Rules = [{ Name = "suffix", Value = ".jpg" }]

    [buckets]
    uploads = "./uploads"

The properties are those of SAM's event types.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventsource.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from warmstart.triggers.buckets.notifications import Bucket, InvalidBucket, Notification
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.schedules.definitions import (
    Definition,
    InvalidSchedule,
    Rule,
    SchedulerSchedule,
)

__all__ = ["InvalidTriggers", "Triggers", "read_triggers"]

_SCHEDULE = {"Description", "Enabled", "Input", "Name", "Schedule", "State"}
_SCHEDULE_V2 = {
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
}
_S3 = {"Bucket", "Events", "Filter"}


_KINDS = {str: "a text", int: "a number", bool: "true or false", list: "a list", dict: "a table"}
_Value = TypeVar("_Value")


class InvalidTriggers(ValueError):
    """The configuration makes no sense; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """Schedules, and folders that are buckets."""

    schedules: tuple[Definition, ...] = ()
    buckets: tuple[Bucket, ...] = ()


def read_triggers(document: Mapping[str, Any], base: Path) -> Triggers:
    """The triggers of a document; the folders of its buckets are relative to `base`.

    Raises:
        InvalidTriggers: it makes no sense.
    """
    _check_names(document, {"functions", "buckets"}, "the file")
    schedules: list[Definition] = []
    notifications: dict[str, list[Notification]] = {
        name: [] for name in _table(document, "buckets", "the file")
    }
    for where, name, target, event in _events(document):
        try:
            _read_event(event, where, name, target, schedules, notifications)
        except (InvalidSchedule, InvalidBucket) as error:
            raise InvalidTriggers(f"{where}: {error}") from None
    try:
        buckets = tuple(
            Bucket(name, base / _text(document["buckets"], name, "buckets"), tuple(wanted))
            for name, wanted in notifications.items()
        )
    except InvalidBucket as error:
        raise InvalidTriggers(f"buckets: {error}") from None
    return Triggers(tuple(schedules), buckets)


def _events(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Target, Mapping[str, Any]]]:
    functions = _table(document, "functions", "the file")
    for function in functions:
        where = f"functions.{function}"
        settings = _table(functions, function, "functions")
        _check_names(settings, {"events"}, where)
        name, _, qualifier = function.partition(":")
        events = _table(settings, "events", where)
        for event in events:
            place = f"{where}.events.{event}"
            yield (
                place,
                f"{name}-{event}",
                Target(name, qualifier or None),
                _table(events, event, f"{where}.events"),
            )


def _read_event(
    event: Mapping[str, Any],
    where: str,
    name: str,
    target: Target,
    schedules: list[Definition],
    notifications: dict[str, list[Notification]],
) -> None:
    properties = {key: value for key, value in event.items() if key != "Type"}
    match event.get("Type"):
        case "Schedule":
            _check_names(properties, _SCHEDULE, where)
            if _is_enabled(properties, where):
                schedules.append(_rule(properties, where, name, target))
        case "ScheduleV2":
            _check_names(properties, _SCHEDULE_V2, where)
            if _is_enabled(properties, where):
                schedules.append(_schedule(properties, where, name, target))
        case "S3":
            _check_names(properties, _S3, where)
            bucket = _text(properties, "Bucket", where)
            if bucket not in notifications:
                raise InvalidTriggers(f"{where}: [buckets] has no folder for '{bucket}'")
            notifications[bucket].append(_notification(properties, where, name, target))
        case other:
            raise InvalidTriggers(f"{where}: Type is Schedule, ScheduleV2 or S3, and not {other!r}")


def _rule(properties: Mapping[str, Any], where: str, name: str, target: Target) -> Rule:
    return Rule(
        name=_given(properties, "Name", name, where),
        schedule_expression=_text(properties, "Schedule", where),
        target=target,
        input=_text(properties, "Input", where) if "Input" in properties else None,
    )


def _schedule(
    properties: Mapping[str, Any], where: str, name: str, target: Target
) -> SchedulerSchedule:
    window = _table(properties, "FlexibleTimeWindow", where)
    retries = _table(properties, "RetryPolicy", where)
    _check_names(window, {"Mode", "MaximumWindowInMinutes"}, f"{where}.FlexibleTimeWindow")
    _check_names(retries, {"MaximumEventAgeInSeconds"}, f"{where}.RetryPolicy")
    return SchedulerSchedule(
        name=_given(properties, "Name", name, where),
        schedule_expression=_text(properties, "ScheduleExpression", where),
        target=target,
        schedule_expression_timezone=_given(properties, "ScheduleExpressionTimezone", "UTC", where),
        start_date=_date(properties, "StartDate", where),
        end_date=_date(properties, "EndDate", where),
        flexible_time_window=_window(window, where),
        maximum_event_age_in_seconds=_given(retries, "MaximumEventAgeInSeconds", 86_400, where),
        input=_text(properties, "Input", where) if "Input" in properties else None,
        group_name=_given(properties, "GroupName", "default", where),
    )


def _window(window: Mapping[str, Any], where: str) -> int | None:
    mode = window.get("Mode", "OFF")
    if mode not in ("OFF", "FLEXIBLE"):
        raise InvalidTriggers(f"{where}: Mode is OFF or FLEXIBLE, and not {mode!r}")
    return _given(window, "MaximumWindowInMinutes", 0, where) if mode == "FLEXIBLE" else None


def _notification(
    properties: Mapping[str, Any], where: str, name: str, target: Target
) -> Notification:
    events = properties.get("Events", "s3:ObjectCreated:*")
    if isinstance(events, str):
        events = [events]
    key = _table(_table(properties, "Filter", where), "S3Key", where)
    rules = {
        _text(rule, "Name", where).lower(): _text(rule, "Value", where)
        for rule in _given(key, "Rules", list[dict[str, Any]](), where)
    }
    _check_names(rules, {"prefix", "suffix"}, f"{where}.Filter")
    return Notification(
        target=target,
        events=tuple(_given({"Events": events}, "Events", list[str](), where)),
        prefix=rules.get("prefix", ""),
        suffix=rules.get("suffix", ""),
        id=name,
    )


def _is_enabled(properties: Mapping[str, Any], where: str) -> bool:
    state = properties.get("State", "ENABLED")
    if state not in ("ENABLED", "DISABLED"):
        raise InvalidTriggers(f"{where}: State is ENABLED or DISABLED, and not {state!r}")
    return state == "ENABLED" and _given(properties, "Enabled", True, where)


def _date(properties: Mapping[str, Any], name: str, where: str) -> datetime | None:
    """A time of TOML's own, or a text as AWS has it; in UTC unless it says otherwise."""
    value = properties.get(name)
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = value
    if time is not None and not isinstance(time, datetime):
        raise InvalidTriggers(f"{where}: {name} is a time, as 2027-01-01T00:00:00Z is")
    return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)


def _text(table: Mapping[str, Any], name: str, where: str) -> str:
    if name not in table:
        raise InvalidTriggers(f"{where}: {name} is missing")
    return _given(table, name, "", where)


def _table(table: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    return _given(table, name, {}, where)


def _given(table: Mapping[str, Any], name: str, default: _Value, where: str) -> _Value:
    """A value that is of the default's kind, if it is there."""
    value = table.get(name, default)
    if type(value) is not type(default):
        kind = _KINDS[type(default)]
        raise InvalidTriggers(f"{where}: {name} is {kind}, and not {value!r}")
    return value


def _check_names(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for name in table:
        if name not in known:
            raise InvalidTriggers(f"{where} has no '{name}'; it has {', '.join(sorted(known))}")
