"""SAM's `Schedule`: a rule of EventBridge. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-schedule.html
"""

from __future__ import annotations

from warmstart.triggers.configuration.triggers import Event, Gathered
from warmstart.triggers.schedules.definitions import Rule

__all__ = ["read_schedule"]


def read_schedule(event: Event, gathered: Gathered) -> None:
    """Add the rule, unless it is disabled."""
    properties = event.properties
    properties.only("Description", "Enabled", "Input", "Name", "Schedule", "State")
    if not event.is_enabled():
        return
    rule = Rule(
        name=properties.given("Name", event.name),
        schedule_expression=properties.text("Schedule"),
        target=event.target,
        input=properties.optional_text("Input"),
    )
    gathered.schedules.append(rule)
