"""Templates, against the examples of EventBridge's user guide."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warmstart.triggers.buses.transformer import InputTransformer, InvalidTemplate

PATHS = {
    "timestamp": "$.time",
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "resource": "$.resources[0]",
    "detail": "$.detail",
    "missing": "$.detail.missing",
}
TIME = "2015-11-11T21:29:54Z"
EVENT: dict[str, Any] = {
    "time": TIME,
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": 'RUN"NING'},
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ('"instance <instance> is at <timestamp>"', f"instance i-0123456789 is at {TIME}"),
        ('{"id": <instance>, "at": <timestamp>}', {"id": "i-0123456789", "at": TIME}),
        ('{"a": "<state>", "b": <detail>}', {"a": 'RUN"NING', "b": EVENT["detail"]}),
        ('{"detail": "<detail>"}', {"detail": json.dumps(EVENT["detail"])}),
        ('{"a": "\\"<instance>\\""}', {"a": '"i-0123456789"'}),
        ('{"a": <missing>, "b": "<missing>"}', {"a": "", "b": ""}),
        ("[1, <resource>]", [1, EVENT["resources"][0]]),
        ('{"1 < 2": true}', {"1 < 2": True}),
        ("<aws.events.rule-name>", "rule"),
        ("<aws.events.event.json>", EVENT),
    ],
)
def test_variables_are_filled_in(template: str, value: Any) -> None:
    reserved = {"aws.events.rule-name": "rule", "aws.events.event.json": EVENT}

    assert json.loads(InputTransformer(PATHS, template).transform(EVENT, reserved)) == value


@pytest.mark.parametrize(
    ("paths", "template", "reason"),
    [
        ({}, "<instance>", "has no 'instance'"),
        ({}, "instance", "is not JSON"),
        ({"aws.events.mine": "$"}, '""', "reserved"),
    ],
)
def test_what_makes_no_sense_is_refused(paths: dict[str, str], template: str, reason: str) -> None:
    with pytest.raises(InvalidTemplate, match=reason):
        InputTransformer(paths, template)
