"""boto3 puts events, as it does at AWS."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.service.api.serving import call, client, refusal, serving
from warmstart.invoke import InvokeError, ServiceFault
from warmstart.service.api.application import Api, Application
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.operations import operations_of
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.event_buses import MAX_ENTRIES, EventBuses

ENTRY = {"Source": "my.shop", "DetailType": "Order Placed", "Detail": '{"order": 4711}'}
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


@dataclass
class Buses:
    put: Any
    failure: InvokeError | None = None
    delivered: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def deliver(self, bus: str, event: Mapping[str, Any]) -> None:
        if self.failure is not None:
            raise self.failure
        self.delivered.append((bus, event))


@pytest.fixture
async def buses() -> AsyncIterator[Buses]:
    clock = Clock(time=NOW.timestamp)
    buses = EventBuses(Arns("eu-west-1", "123456789012"), clock)
    protocol = AwsJSON("events", invalid_input="ValidationException")
    async with serving(Application(Api(protocol, operations_of(buses)))) as port:
        heard = Buses(client("events", port).put_events)
        buses.deliver = heard.deliver
        yield heard


async def test_an_entry_becomes_an_event(buses: Buses) -> None:
    answer = await call(buses.put, Entries=[ENTRY])

    assert answer["FailedEntryCount"] == 0
    ((bus, event),) = buses.delivered
    assert bus == "default"
    assert event == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "Order Placed",
        "source": "my.shop",
        "account": "123456789012",
        "time": "2026-11-24T12:00:00Z",
        "region": "eu-west-1",
        "resources": [],
        "detail": {"order": 4711},
    }


async def test_an_entry_may_say_its_time_resources_and_bus(buses: Buses) -> None:
    arn = "arn:aws:events:eu-west-1:123456789012:event-bus/shop"
    more = {"Time": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "Resources": ["a", "b"]}
    for name in (arn, "shop"):
        await call(buses.put, Entries=[{**ENTRY, **more, "EventBusName": name}])

    for bus, event in buses.delivered:
        assert bus == "shop"
        assert event["time"] == "2020-01-02T03:04:05Z"
        assert event["resources"] == ["a", "b"]


async def test_each_entry_is_judged_for_itself(buses: Buses) -> None:
    entries = [
        {name: value for name, value in ENTRY.items() if name != missing}
        for missing in ("Source", "DetailType", "Detail")
    ]
    entries += [{**ENTRY, "Detail": "{"}, {**ENTRY, "Detail": "[]"}, {**ENTRY, "Source": "aws.s3"}]
    answer = await call(buses.put, Entries=[*entries, ENTRY])

    assert answer["FailedEntryCount"] == 6
    assert [(entry.get("ErrorCode"), entry.get("ErrorMessage")) for entry in answer["Entries"]] == [
        *(
            (
                "InvalidArgument",
                f"Parameter {name} is not valid. Reason: {name} is a required argument.",
            )
            for name in ("Source", "DetailType", "Detail")
        ),
        ("MalformedDetail", "Detail is malformed."),
        ("MalformedDetail", "Detail is malformed."),
        ("NotAuthorizedForSourceException", "Not authorized for the source."),
        (None, None),
    ]
    assert len(buses.delivered) == 1


async def test_what_cannot_be_kept_fails_so_that_it_is_tried_again(buses: Buses) -> None:
    buses.failure = ServiceFault("no room")

    answer = await call(buses.put, Entries=[ENTRY])

    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "InternalFailure"


async def test_a_request_has_its_limits(buses: Buses) -> None:
    large = {**ENTRY, "Detail": json.dumps({"a": "x" * MAX_ENTRIES})}

    assert await refusal(buses.put, Entries=[large]) == (
        400,
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )
    status, code, message = await refusal(buses.put, Entries=[ENTRY] * 11)
    assert (status, code) == (400, "ValidationException")
    assert "Member must have length less than or equal to 10" in message
