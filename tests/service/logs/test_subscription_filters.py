"""boto3 subscribes functions to log groups, and they get what is put there."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.service.api.serving import call, client, refusal, serving
from tests.service.asynchronous.played import until
from tests.triggers.played import Queue
from warmstart.service.api.application import Api, Application
from warmstart.service.api.errors import ApiError
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.operations import operations_of
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.logs import subscribed as subscribed_module
from warmstart.service.logs.events import LogEvents
from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.groups import LogGroups
from warmstart.service.logs.subscribed import Subscribed
from warmstart.service.logs.subscription_filters import SubscriptionFilters
from warmstart.service.state.store import Store

NOW = 1_700_000_000_000
GROUP = "/shop/orders"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:reader"


@dataclass
class Logs:
    boto3: Any
    queue: Queue
    groups: dict[str, str]

    async def put(self, *messages: str, group: str = GROUP) -> None:
        events = [{"timestamp": NOW + n, "message": text} for n, text in enumerate(messages)]
        await call(
            self.boto3.put_log_events, logGroupName=group, logStreamName="s", logEvents=events
        )

    async def subscribe(self, name: str = "errors", pattern: str = "ERROR", arn: str = ARN) -> None:
        await call(self.boto3.put_subscription_filter, **filter_of(name, pattern, arn))

    def sent(self) -> list[dict[str, Any]]:
        return [
            json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
            for event in self.queue.events()
        ]


def filter_of(name: str = "errors", pattern: str = "ERROR", arn: str = ARN) -> dict[str, str]:
    return {
        "logGroupName": GROUP,
        "filterName": name,
        "filterPattern": pattern,
        "destinationArn": arn,
    }


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    clock = Clock(time=lambda: NOW / 1000)
    arns = Arns("us-east-1", "123456789012")
    files = LogFiles(tmp_path / "logs")
    groups = {ARN: "/aws/lambda/reader"}

    def log_group(arn: str) -> str:
        if arn not in groups:
            raise ApiError("ResourceNotFoundException", f"Function not found: {arn}")
        return groups[arn]

    store = Store.open(tmp_path / "state")
    try:
        filters = SubscriptionFilters(files, store, log_group, clock)
        queue = Queue()
        log_groups = LogGroups(files, store, arns, clock, filters.forget_group)
        operations = operations_of(log_groups, LogEvents(files, clock), filters)
        async with (
            Subscribed(queue, filters.of_group, log_group, arns, clock) as subscribed,
            serving(Application(Api(AwsJSON("logs"), operations))) as port,
        ):
            files.on_write = subscribed.on_write
            boto3 = client("logs", port)
            await call(boto3.create_log_group, logGroupName=GROUP)
            await call(boto3.create_log_stream, logGroupName=GROUP, logStreamName="s")
            yield Logs(boto3, queue, groups)
    finally:
        files.flush()
        store.close()


async def test_a_function_gets_what_matches(logs: Logs) -> None:
    await logs.subscribe()
    await logs.put("ERROR a", "INFO b", "ERROR ü")
    await until(lambda: len(logs.sent()) == 1)

    (sent,) = logs.sent()
    ids = [event.pop("id") for event in sent["logEvents"]]
    assert len(set(ids)) == 2
    assert sent == {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": GROUP,
        "logStream": "s",
        "subscriptionFilters": ["errors"],
        "logEvents": [
            {"timestamp": NOW, "message": "ERROR a"},
            {"timestamp": NOW + 2, "message": "ERROR ü"},
        ],
    }
    assert logs.queue.taken[0][1] == "reader"


async def test_what_cannot_be_kept_is_sent_later_and_in_order(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribed_module, "PAUSE", 0.01)
    logs.queue.refusals = 3
    await logs.subscribe()
    await logs.put("ERROR 1")
    await logs.put("ERROR 2")

    def messages() -> list[str]:
        return [event["message"] for sent in logs.sent() for event in sent["logEvents"]]

    await until(lambda: len(messages()) == 2)
    assert messages() == ["ERROR 1", "ERROR 2"]


async def test_many_events_are_sent_in_several_batches(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribed_module, "BATCH", 20)
    await logs.subscribe()
    await logs.put(*["ERROR 1234"] * 5)
    await until(lambda: len(logs.sent()) == 3)

    assert [len(sent["logEvents"]) for sent in logs.sent()] == [2, 2, 1]


async def test_filters_are_described_replaced_and_deleted(logs: Logs) -> None:
    await logs.subscribe("a")
    await logs.subscribe("b", "")
    await logs.subscribe("a", "WARN")

    described = await call(logs.boto3.describe_subscription_filters, logGroupName=GROUP)
    assert described["subscriptionFilters"] == [
        {**filter_of("a", "WARN"), "distribution": "ByLogStream", "creationTime": NOW},
        {**filter_of("b", ""), "distribution": "ByLogStream", "creationTime": NOW},
    ]
    found = await call(
        logs.boto3.describe_subscription_filters, logGroupName=GROUP, filterNamePrefix="b"
    )
    assert [each["filterName"] for each in found["subscriptionFilters"]] == ["b"]
    page = await call(logs.boto3.describe_subscription_filters, logGroupName=GROUP, limit=1)
    rest = await call(
        logs.boto3.describe_subscription_filters, logGroupName=GROUP, nextToken=page["nextToken"]
    )
    assert [each["filterName"] for each in rest["subscriptionFilters"]] == ["b"]

    for name in ("a", "b"):
        await call(logs.boto3.delete_subscription_filter, logGroupName=GROUP, filterName=name)
    await logs.put("WARN")
    described = await call(logs.boto3.describe_subscription_filters, logGroupName=GROUP)
    assert described["subscriptionFilters"] == []
    assert await refusal(
        logs.boto3.delete_subscription_filter, logGroupName=GROUP, filterName="a"
    ) == (
        400,
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )


async def test_a_group_takes_its_filters_along(logs: Logs) -> None:
    await logs.subscribe()
    await call(logs.boto3.delete_log_group, logGroupName=GROUP)
    await call(logs.boto3.create_log_group, logGroupName=GROUP)

    described = await call(logs.boto3.describe_subscription_filters, logGroupName=GROUP)
    assert described["subscriptionFilters"] == []


async def test_a_function_cannot_be_subscribed_to_its_own_log(logs: Logs) -> None:
    logs.groups[ARN] = GROUP

    assert await refusal(logs.boto3.put_subscription_filter, **filter_of()) == (
        400,
        "InvalidParameterException",
        "The log group provided is reserved for the function logs of the destination function.",
    )


async def test_a_function_that_later_logs_to_the_group_does_not_loop(logs: Logs) -> None:
    other = ARN.replace("reader", "other")
    logs.groups[other] = "/aws/lambda/other"
    await logs.subscribe()
    await logs.subscribe("others", "", other)
    logs.groups[ARN] = GROUP
    await logs.put("ERROR")
    await until(lambda: len(logs.sent()) == 1)

    assert [function for _, function, _, _ in logs.queue.taken] == ["other"]


@pytest.mark.parametrize(
    ("changed", "code", "reason"),
    [
        ({"filterPattern": "{ broken"}, "InvalidParameterException", "Invalid filter pattern"),
        (
            {"destinationArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"},
            "InvalidParameterException",
            "Only functions can be destinations here",
        ),
        (
            {"destinationArn": ARN + "s"},
            "InvalidParameterException",
            "Could not execute the lambda function: Function not found",
        ),
        ({"logGroupName": "other"}, "ResourceNotFoundException", "log group does not exist"),
        ({"filterName": "c"}, "LimitExceededException", "Resource limit exceeded."),
    ],
)
async def test_what_cannot_be_is_refused(
    logs: Logs, changed: dict[str, str], code: str, reason: str
) -> None:
    await logs.subscribe("a")
    await logs.subscribe("b")

    status, told, message = await refusal(
        logs.boto3.put_subscription_filter, **filter_of("a") | changed
    )

    assert (status, told) == (400, code)
    assert reason in message
