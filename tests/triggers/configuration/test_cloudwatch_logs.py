from __future__ import annotations

from pathlib import Path

from warmstart.triggers.configuration import read_triggers
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.log_subscription import LogSubscription


def test_subscriptions_to_logs_are_read() -> None:
    event = {"Type": "CloudWatchLogs", "LogGroupName": "/shop", "FilterPattern": "ERROR"}
    document = {"functions": {"work:prod": {"events": {"errors": event}}}}

    assert read_triggers(document, Path()).logs == (
        LogSubscription("work-errors", Target("work", "prod"), "/shop", "ERROR"),
    )
