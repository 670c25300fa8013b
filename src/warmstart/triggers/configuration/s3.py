"""SAM's `S3`: notifications of a bucket. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-s3.html
"""

from __future__ import annotations

from typing import Any

from warmstart.triggers.buckets.notifications import Notification
from warmstart.triggers.configuration.tables import Table
from warmstart.triggers.configuration.triggers import Event, Gathered

__all__ = ["read_s3"]


def read_s3(event: Event, gathered: Gathered) -> None:
    """Add the notification to its bucket's."""
    properties = event.properties
    properties.only("Bucket", "Events", "Filter")
    bucket = properties.text("Bucket")
    if bucket not in gathered.notifications:
        raise properties.wrong(f"[buckets] does not say where '{bucket}' is")
    gathered.notifications[bucket].append(_notification(event))


def _notification(event: Event) -> Notification:
    properties = event.properties
    wanted = properties.values.get("Events", "s3:ObjectCreated:*")
    events = [wanted] if isinstance(wanted, str) else properties.given("Events", list[str]())
    rules = _rules(properties.table("Filter"))
    return Notification(
        target=event.target,
        events=tuple(events),
        prefix=rules.get("prefix", ""),
        suffix=rules.get("suffix", ""),
        id=event.name,
    )


def _rules(wanted: Table) -> dict[str, str]:
    rules = {}
    for rule in wanted.table("S3Key").given("Rules", list[dict[str, Any]]()):
        table = Table(rule, wanted.where)
        rules[table.text("Name").lower()] = table.text("Value")
    Table(rules, wanted.where).only("prefix", "suffix")
    return rules
