"""moto's S3 notifies its SQS, directly and by its SNS and its EventBridge."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.triggers.moto_server import client, endpoint
from tests.triggers.played import Queue
from warmstart.triggers.buckets.notifications import Notification, QueueBucket
from warmstart.triggers.buckets.queue import taking_notifications
from warmstart.triggers.enqueuer import Target
from warmstart.triggers.pollers import NotRead
from warmstart.triggers.queues.messages import reading_messages

__all__ = ["endpoint"]

NUMBERS = count()


class Storage:
    """A bucket of moto's, and a queue, which it notifies in one way or another."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.name = f"notifying-{next(NUMBERS)}"
        self.told = Queue()
        self._s3 = client(self.endpoint, "s3")
        self._sqs = client(self.endpoint, "sqs")
        self._s3.create_bucket(Bucket=self.name)
        self._url = self._sqs.create_queue(
            QueueName=self.name, Attributes={"VisibilityTimeout": "1"}
        )["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn: str = found["Attributes"]["QueueArn"]

    def notify_queue(self) -> None:
        self._notify(
            {"QueueConfigurations": [{"QueueArn": self.arn, "Events": ["s3:ObjectCreated:*"]}]}
        )

    def notify_topic(self) -> None:
        sns = client(self.endpoint, "sns")
        topic = sns.create_topic(Name=self.name)["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=self.arn)
        self._notify(
            {"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]}
        )

    def notify_bus(self) -> None:
        events = client(self.endpoint, "events")
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [self.name]}}}
        events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": self.arn}])
        self._notify({"EventBridgeConfiguration": {}})

    def _notify(self, configuration: dict[str, Any]) -> None:
        self._s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration=configuration
        )

    async def put(self, *keys: str) -> None:
        for key in keys:
            await asyncio.to_thread(self._s3.put_object, Bucket=self.name, Key=key, Body=b"content")

    async def send(self, body: str) -> None:
        await asyncio.to_thread(self._sqs.send_message, QueueUrl=self._url, MessageBody=body)

    async def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = await asyncio.to_thread(
            self._sqs.get_queue_attributes, QueueUrl=self._url, AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)

    def reading(self, **settings: Any) -> Any:
        notification = Notification(target=Target("work", "prod"), **settings)
        bucket = QueueBucket(self.name, self.arn, (notification,))
        takers = taking_notifications([bucket], self.told)
        return reading_messages(takers, {"sqs": self.endpoint}, long_poll=1)

    async def wait_for(self, count: int) -> list[Any]:
        while len(self.told.taken) < count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
        return self.told.events()

    async def wait_until_empty(self) -> None:
        while await self.left():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.fixture
def storage(endpoint: str) -> Storage:
    return Storage(endpoint)


@pytest.mark.parametrize("notify", [Storage.notify_queue, Storage.notify_topic])
async def test_an_upload_is_told_as_s3_told_it(
    storage: Storage, notify: Callable[[Storage], None]
) -> None:
    notify(storage)
    async with storage.reading():
        await storage.put("in/my file.txt")
        (event,) = await storage.wait_for(1)
        await storage.wait_until_empty()

    (record,) = event["Records"]
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["s3"]["bucket"]["name"] == storage.name
    assert record["s3"]["object"]["key"] == "in/my+file.txt"
    assert record["s3"]["object"]["size"] == len(b"content")


async def test_an_upload_is_told_as_eventbridge_told_it(storage: Storage) -> None:
    storage.notify_bus()
    async with storage.reading():
        await storage.put("in/my file.txt")
        (event,) = await storage.wait_for(1)
        await storage.wait_until_empty()

    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["detail"]["object"]["key"] == "in/my file.txt"


async def test_only_what_is_wanted_is_told_and_nothing_stays(storage: Storage) -> None:
    storage.notify_queue()
    async with storage.reading(prefix="in/", suffix=".jpg"):
        await storage.put("in/a.txt", "a.jpg", "in/a.jpg")
        await storage.wait_until_empty()

    (event,) = storage.told.events()
    assert event["Records"][0]["s3"]["object"]["key"] == "in/a.jpg"


async def test_an_event_that_is_not_taken_comes_again_under_the_same_id(storage: Storage) -> None:
    storage.notify_queue()
    refused: list[str | None] = []
    take = storage.told.enqueue

    async def enqueue(*arguments: Any, request_id: str | None = None) -> None:
        refused.append(request_id)
        await take(*arguments, request_id=request_id)

    storage.told.refusals = 1
    storage.told.enqueue = enqueue  # type: ignore[method-assign, assignment]
    async with storage.reading():
        await storage.put("a.txt")
        await storage.wait_for(1)
        await storage.wait_until_empty()

    assert len(refused) == 2
    assert len(set(refused)) == 1


async def test_a_message_that_tells_of_no_bucket_stays(storage: Storage) -> None:
    storage.notify_queue()
    async with storage.reading():
        await storage.send("hello")
        await storage.put("a.txt")
        await storage.wait_for(1)
        while await storage.left() > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    assert await storage.left() == 1


async def test_a_queue_without_an_endpoint_is_refused() -> None:
    bucket = QueueBucket("photos", "arn:aws:sqs:us-east-1:123456789012:photos")
    with pytest.raises(NotRead, match="AWS_ENDPOINT_URL_SQS"):
        async with reading_messages(taking_notifications([bucket], Queue()), {}):
            pass
