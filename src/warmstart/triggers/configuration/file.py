"""A whole `warmstart.toml`. Pure.

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
from pathlib import Path
from typing import Any

from warmstart.triggers.buckets.notifications import InvalidBucket, QueueBucket
from warmstart.triggers.configuration.buckets import read_bucket
from warmstart.triggers.configuration.buses import read_buses
from warmstart.triggers.configuration.cloudwatch_logs import read_cloudwatch_logs
from warmstart.triggers.configuration.event_bridge_rule import read_event_bridge_rule
from warmstart.triggers.configuration.s3 import read_s3
from warmstart.triggers.configuration.schedule import read_schedule
from warmstart.triggers.configuration.schedule_v2 import read_schedule_v2
from warmstart.triggers.configuration.sns import read_sns
from warmstart.triggers.configuration.tables import InvalidTriggers, Table
from warmstart.triggers.configuration.triggers import Event, Gathered, Reader, Triggers
from warmstart.triggers.configuration.webhook import read_webhook
from warmstart.triggers.enqueuer import Target

__all__ = ["read_triggers"]

_READERS: dict[str, Reader] = {
    "CloudWatchLogs": read_cloudwatch_logs,
    "EventBridgeRule": read_event_bridge_rule,
    "S3": read_s3,
    "SNS": read_sns,
    "Schedule": read_schedule,
    "ScheduleV2": read_schedule_v2,
    "Webhook": read_webhook,
}


def read_triggers(document: Mapping[str, Any], base: Path) -> Triggers:
    """The triggers of a document; the folders of its buckets are relative to `base`.

    Raises:
        InvalidTriggers: it makes no sense.
    """
    file = Table(document)
    file.only("functions", "buckets", "buses", "push")
    push = file.table("push")
    push.only("Token")
    places = file.table("buckets")
    gathered = Gathered(notifications={name: [] for name in places})
    for kind, event in _events(file.table("functions")):
        try:
            _READERS[kind](event, gathered)
        except InvalidTriggers:
            raise
        except ValueError as error:
            raise event.properties.wrong(str(error)) from None
    try:
        buckets = tuple(
            read_bucket(name, places.text(name), base, wanted)
            for name, wanted in gathered.notifications.items()
        )
    except InvalidBucket as error:
        raise places.wrong(str(error)) from None
    taken = {bucket.queue_arn for bucket in buckets if isinstance(bucket, QueueBucket)}
    return Triggers(
        schedules=tuple(gathered.schedules),
        buckets=buckets,
        rules=tuple(gathered.rules),
        buses=read_buses(file.table("buses"), taken),
        logs=tuple(gathered.logs),
        topics=tuple(gathered.topics),
        webhooks=tuple(gathered.webhooks),
        push_token=push.secret("Token") if "Token" in push else None,
    )


def _events(functions: Table) -> Iterator[tuple[str, Event]]:
    """The entries of all functions, each with its type."""
    for function in functions:
        settings = functions.table(function)
        settings.only("events")
        name, _, qualifier = function.partition(":")
        events = settings.table("events")
        for key in events:
            entry = events.table(key)
            values = dict(entry.values)
            kind = values.pop("Type", None)
            if not isinstance(kind, str) or kind not in _READERS:
                raise entry.wrong(f"Type is one of {', '.join(_READERS)}, and not {kind!r}")
            target = Target(name, qualifier or None)
            yield kind, Event(f"{name}-{key}", target, Table(values, entry.where))
