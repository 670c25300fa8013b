"""SAM's `EventBridgeRule`. Pure.

https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-eventbridgerule.html

`RetryPolicy` and `DeadLetterConfig` there say what happens when Lambda cannot be reached.
Here it always is: what a rule sends is kept at once, and then the function's own settings
for asynchronous invocation hold. So there are no such properties.
"""

from __future__ import annotations

from warmstart.triggers.buses.rules import BusRule
from warmstart.triggers.buses.transformer import InputTransformer
from warmstart.triggers.configuration.tables import Table
from warmstart.triggers.configuration.triggers import Event, Gathered

__all__ = ["read_event_bridge_rule"]

_PROPERTIES = (
    "Enabled",
    "EventBusName",
    "Input",
    "InputPath",
    "InputTransformer",
    "Pattern",
    "RuleName",
    "State",
)


def read_event_bridge_rule(event: Event, gathered: Gathered) -> None:
    """Add the rule, unless it is disabled."""
    properties = event.properties
    properties.only(*_PROPERTIES)
    if "Pattern" not in properties:
        raise properties.wrong("Pattern is missing")
    rule = BusRule(
        name=properties.given("RuleName", event.name),
        target=event.target,
        pattern=properties.table("Pattern").values,
        bus=properties.given("EventBusName", "default").rpartition("event-bus/")[2],
        input=properties.optional_text("Input"),
        input_path=properties.optional_text("InputPath"),
        input_transformer=_transformer(properties),
    )
    if event.is_enabled():
        gathered.rules.append(rule)


def _transformer(properties: Table) -> InputTransformer | None:
    if "InputTransformer" not in properties:
        return None
    transformer = properties.table("InputTransformer")
    transformer.only("InputPathsMap", "InputTemplate")
    paths = transformer.table("InputPathsMap")
    return InputTransformer(
        {name: paths.text(name) for name in paths}, transformer.text("InputTemplate")
    )
