"""The events of schedules. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from warmstart.triggers.enqueuer import Account

__all__ = ["rule_event", "scheduler_event", "timestamp", "with_context"]


def rule_event(account: Account, arn: str, firing: str, time: datetime) -> dict[str, Any]:
    """What an EventBridge rule on a schedule sends."""
    return _event(account, "aws.events", arn, firing, time) | {"detail": {}}


def scheduler_event(account: Account, arn: str, firing: str, time: datetime) -> dict[str, Any]:
    """What EventBridge Scheduler sends for a schedule without an input; its detail is a text."""
    return _event(account, "aws.scheduler", arn, firing, time) | {"detail": "{}"}


def with_context(text: str, arn: str, firing: str, time: datetime) -> str:
    """A schedule's input, with what it says of its own firing filled in."""
    attributes = {
        "scheduled-time": timestamp(time),
        "schedule-arn": arn,
        "execution-id": firing,
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def timestamp(time: datetime) -> str:
    """`2026-11-24T12:00:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(account: Account, source: str, arn: str, firing: str, time: datetime) -> dict[str, Any]:
    return {
        "version": "0",
        "id": firing,
        "detail-type": "Scheduled Event",
        "source": source,
        "account": account.id,
        "time": timestamp(time),
        "region": account.region,
        "resources": [arn],
    }
