"""SAM's `CloudWatchLogs`: a subscription to a log group. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-cloudwatchlogs.html
"""

from __future__ import annotations

from warmstart.triggers.configuration.triggers import Event, Gathered
from warmstart.triggers.log_subscription import LogSubscription

__all__ = ["read_cloudwatch_logs"]


def read_cloudwatch_logs(event: Event, gathered: Gathered) -> None:
    """Add the subscription."""
    properties = event.properties
    properties.only("FilterPattern", "LogGroupName")
    subscription = LogSubscription(
        event.name,
        event.target,
        properties.text("LogGroupName"),
        properties.given("FilterPattern", ""),
    )
    gathered.logs.append(subscription)
