"""moto's EventBridge sends a bus's events to its SQS, and our rules judge them."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

import pytest

from tests.triggers.moto_server import client, endpoint
from tests.triggers.played import Queue
from warmstart.triggers.buses.queue import taking_events
from warmstart.triggers.buses.rules import BusRule, Rules
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.queues.messages import reading_messages

__all__ = ["endpoint"]

NUMBERS = count()


class Bus:
    """A bus of moto's, all of whose events go to a queue."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.name = f"bus-in-a-queue-{next(NUMBERS)}"
        self._sqs, self._events = client(endpoint, "sqs"), client(endpoint, "events")
        self._url = self._sqs.create_queue(
            QueueName=self.name, Attributes={"VisibilityTimeout": "1"}
        )["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn: str = found["Attributes"]["QueueArn"]
        self._events.create_event_bus(Name=self.name)
        everything = json.dumps({"account": ["123456789012"]})
        self._events.put_rule(Name="all", EventBusName=self.name, EventPattern=everything)
        targets = [{"Id": "queue", "Arn": self.arn}]
        self._events.put_targets(Rule="all", EventBusName=self.name, Targets=targets)

    async def put(self, **detail: Any) -> None:
        entry = {
            "EventBusName": self.name,
            "Source": "my.shop",
            "DetailType": "Order",
            "Detail": json.dumps(detail),
        }
        answer = await asyncio.to_thread(self._events.put_events, Entries=[entry])
        assert answer["FailedEntryCount"] == 0

    async def send(self, body: str) -> None:
        await asyncio.to_thread(self._sqs.send_message, QueueUrl=self._url, MessageBody=body)

    async def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = await asyncio.to_thread(
            self._sqs.get_queue_attributes, QueueUrl=self._url, AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)

    def reading(self, told: Queue) -> Any:
        rule = BusRule(
            name="big",
            target=Target("work"),
            pattern={"source": ["my.shop"], "detail": {"amount": [{"numeric": [">", 50]}]}},
            bus=self.name,
        )
        takers = taking_events({self.arn: self.name}, Rules([rule], told).deliver)
        return reading_messages(takers, {"sqs": self._endpoint}, long_poll=1)


@pytest.fixture
def bus(endpoint: str) -> Bus:
    return Bus(endpoint)


async def test_what_a_rule_wants_invokes_its_function_and_nothing_stays(bus: Bus) -> None:
    told = Queue()
    async with bus.reading(told):
        await bus.put(amount=10)
        await bus.put(amount=99)
        while await bus.left():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)

    (event,) = told.events()
    assert (event["source"], event["detail-type"]) == ("my.shop", "Order")
    assert event["detail"] == {"amount": 99}


async def test_what_cannot_be_kept_comes_again(bus: Bus) -> None:
    told = Queue()
    told.refusals = 1
    async with bus.reading(told):
        await bus.put(amount=99)
        while await bus.left():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    assert [event["detail"] for event in told.events()] == [{"amount": 99}]


@pytest.mark.parametrize("body", ["hello", "[]", '{"source": "my.shop"}'])
async def test_a_message_that_is_no_event_stays(bus: Bus, body: str) -> None:
    told = Queue()
    async with bus.reading(told):
        await bus.send(body)
        await bus.put(amount=99)
        while not told.taken or await bus.left() > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    assert await bus.left() == 1
