"""boto3 and the AWS CLI read the logs, as they read CloudWatch's."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service.api.serving import ACCESS_KEY, SECRET_KEY, call, client, serving
from warmstart.service.api.application import Api, Application
from warmstart.service.api.json import AwsJSON
from warmstart.service.api.operations import operations_of
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.logs.events import LogEvents
from warmstart.service.logs.files import LogFiles
from warmstart.service.logs.groups import LogGroups
from warmstart.service.logs.tokens import encoded
from warmstart.service.state.store import Store

NOW = 1_700_000_000_000
GROUP = "/aws/lambda/f"
DAY = 86_400_000


@dataclass
class Logs:
    port: int
    boto3: Any
    files: LogFiles
    groups: LogGroups

    async def refused(self, method: str, **parameters: Any) -> str:
        with pytest.raises(ClientError) as info:
            await call(getattr(self.boto3, method), **parameters)
        return str(info.value.response["Error"]["Code"])


@pytest.fixture
async def logs(tmp_path: Path) -> AsyncIterator[Logs]:
    store = Store.open(tmp_path)
    files = LogFiles(tmp_path / "logs")
    clock = Clock(time=lambda: NOW / 1000)
    groups = LogGroups(files, store, Arns("us-east-1", "123456789012"), clock)
    operations = operations_of(groups, LogEvents(files, clock))
    async with serving(Application(Api(AwsJSON("logs"), operations))) as port:
        yield Logs(port, client("logs", port), files, groups)
    store.close()


def messages(response: dict[str, Any]) -> list[str]:
    return [event["message"] for event in response["events"]]


async def test_a_group_is_created_described_tagged_and_deleted(logs: Logs) -> None:
    boto3 = logs.boto3
    await call(boto3.create_log_group, logGroupName=GROUP, tags={"a": "1"})
    await call(boto3.put_retention_policy, logGroupName=GROUP, retentionInDays=7)

    (group,) = (await call(boto3.describe_log_groups, logGroupNamePrefix="/aws/"))["logGroups"]
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f"
    assert group == {
        "logGroupName": GROUP,
        "creationTime": NOW,
        "retentionInDays": 7,
        "metricFilterCount": 0,
        "logGroupClass": "STANDARD",
        "storedBytes": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
    }

    await call(boto3.tag_resource, resourceArn=arn, tags={"b": "2"})
    await call(boto3.untag_resource, resourceArn=arn, tagKeys=["a"])
    assert (await call(boto3.list_tags_for_resource, resourceArn=arn))["tags"] == {"b": "2"}

    await call(boto3.delete_retention_policy, logGroupName=GROUP)
    (group,) = (await call(boto3.describe_log_groups))["logGroups"]
    assert "retentionInDays" not in group

    await call(boto3.delete_log_group, logGroupName=GROUP)
    assert (await call(boto3.describe_log_groups))["logGroups"] == []
    assert await logs.refused("delete_log_group", logGroupName=GROUP) == "ResourceNotFoundException"


async def test_what_is_there_already_or_is_not_is_refused(logs: Logs) -> None:
    stream = {"logGroupName": GROUP, "logStreamName": "s"}
    missing = "ResourceNotFoundException"
    event = [{"timestamp": NOW, "message": "m"}]

    assert await logs.refused("create_log_stream", **stream) == missing
    await call(logs.boto3.create_log_group, logGroupName=GROUP)
    taken = "ResourceAlreadyExistsException"
    assert await logs.refused("create_log_group", logGroupName=GROUP) == taken
    assert await logs.refused("get_log_events", **stream) == missing
    assert await logs.refused("put_log_events", **stream, logEvents=event) == missing
    assert await logs.refused("delete_log_stream", **stream) == missing
    await call(logs.boto3.create_log_stream, **stream)
    assert await logs.refused("create_log_stream", **stream) == taken
    bad = "InvalidParameterException"
    assert await logs.refused("get_log_events", **stream, nextToken="nonsense") == bad
    assert await logs.refused("put_retention_policy", logGroupName=GROUP, retentionInDays=8) == bad
    pattern = {"logGroupName": GROUP, "filterPattern": "{ $.a"}
    assert await logs.refused("filter_log_events", **pattern) == bad


async def test_a_stream_is_read_in_pages_both_ways(logs: Logs) -> None:
    stream = {"logGroupName": GROUP, "logStreamName": "2024/01/01/[$LATEST]0"}
    logs.files.write(
        GROUP, stream["logStreamName"], [(NOW + n, f"line {n}") for n in range(5)], NOW
    )
    get = logs.boto3.get_log_events

    first = await call(get, **stream, startFromHead=True, limit=2)
    second = await call(get, **stream, nextToken=first["nextForwardToken"], limit=2)
    back = await call(get, **stream, nextToken=second["nextBackwardToken"], limit=2)
    last = await call(get, **stream, limit=2)
    end = await call(get, **stream, nextToken=last["nextForwardToken"])

    assert messages(first) == ["line 0", "line 1"]
    assert messages(second) == ["line 2", "line 3"]
    assert messages(back) == ["line 0", "line 1"]
    assert messages(last) == ["line 3", "line 4"]
    assert messages(end) == []
    assert end["nextForwardToken"] == last["nextForwardToken"]
    timed = await call(get, **stream, startTime=NOW + 1, endTime=NOW + 3)
    assert messages(timed) == ["line 1", "line 2"]


async def test_a_search_merges_the_streams_and_loses_nothing_between_pages(logs: Logs) -> None:
    for n in range(40):
        logs.files.write(GROUP, f"stream {n % 3}", [(NOW + n, f"{n} of {n % 2}")], NOW)
    # A client's own, late event.
    logs.files.write(GROUP, "stream 0", [(NOW + 1, "late of 0")], NOW)
    search = {"logGroupName": GROUP, "filterPattern": '"of 0"', "startTime": NOW}

    found: list[str] = []
    token: dict[str, Any] = {}
    while True:
        response = await call(logs.boto3.filter_log_events, **search, limit=7, **token)
        found += messages(response)
        if "nextToken" not in response:
            break
        token = {"nextToken": response["nextToken"]}

    assert sorted(found) == sorted([f"{n} of 0" for n in range(0, 40, 2)] + ["late of 0"])
    assert found[:3] == ["0 of 0", "2 of 0", "4 of 0"]
    one = await call(
        logs.boto3.filter_log_events, logGroupName=GROUP, logStreamNamePrefix="stream 1"
    )
    assert {event["logStreamName"] for event in one["events"]} == {"stream 1"}


@pytest.mark.parametrize(
    "place", [5, -1, True, 10**6, 2**70, "text", None, {"s": 5}, {"s": -1}, {"s": "x"}, ["s"]]
)
async def test_a_token_that_leads_nowhere_is_refused(logs: Logs, place: Any) -> None:
    logs.files.write(GROUP, "s", [(NOW, "m")], NOW)
    token = encoded(place)
    bad = "InvalidParameterException"

    if not isinstance(place, dict):
        stream = {"logGroupName": GROUP, "logStreamName": "s"}
        for direction in "fb":
            asked = {**stream, "nextToken": f"{direction}/{token}"}
            assert await logs.refused("get_log_events", **asked) == bad
    assert await logs.refused("filter_log_events", logGroupName=GROUP, nextToken=token) == bad


async def test_what_is_put_is_got_and_what_is_too_old_or_new_is_said(logs: Logs) -> None:
    stream = {"logGroupName": GROUP, "logStreamName": "s"}
    await call(logs.boto3.create_log_group, logGroupName=GROUP)
    await call(logs.boto3.create_log_stream, **stream)
    times = [NOW - 15 * DAY, NOW, NOW + 3 * 3_600_000]
    events = [{"timestamp": time, "message": f"ä {time}"} for time in times]

    response = await call(logs.boto3.put_log_events, **stream, logEvents=events)

    assert response["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "tooNewLogEventStartIndex": 2,
    }
    got = await call(logs.boto3.get_log_events, **stream)
    assert messages(got) == [f"ä {NOW}"]
    backwards = {"logEvents": events[::-1]}
    assert (
        await logs.refused("put_log_events", **stream, **backwards) == "InvalidParameterException"
    )


async def test_streams_are_listed_by_name_or_by_their_last_event(logs: Logs) -> None:
    for name, time in [("a", 30), ("b", 10), ("c", 20)]:
        logs.files.write(GROUP, name, [(NOW + time, "m")], NOW)
    describe = logs.boto3.describe_log_streams

    by_name = await call(describe, logGroupName=GROUP)
    by_time = await call(describe, logGroupName=GROUP, orderBy="LastEventTime", descending=True)
    first = await call(describe, logGroupName=GROUP, limit=2)
    rest = await call(describe, logGroupName=GROUP, limit=2, nextToken=first["nextToken"])

    assert [stream["logStreamName"] for stream in by_name["logStreams"]] == ["a", "b", "c"]
    assert [stream["logStreamName"] for stream in by_time["logStreams"]] == ["a", "c", "b"]
    assert [stream["logStreamName"] for stream in rest["logStreams"]] == ["c"]
    assert by_name["logStreams"][0]["lastEventTimestamp"] == NOW + 30


async def test_retention_deletes_streams_whose_last_event_is_older(logs: Logs) -> None:
    logs.files.write(GROUP, "old", [(NOW - 2 * DAY, "m")], NOW)
    logs.files.write(GROUP, "new", [(NOW - DAY // 2, "m")], NOW)
    logs.files.flush()
    await call(logs.boto3.put_retention_policy, logGroupName=GROUP, retentionInDays=1)

    logs.groups.expire()

    assert logs.files.streams(GROUP) == ["new"]


async def test_the_aws_cli_searches_a_group(logs: Logs) -> None:
    logs.files.write(GROUP, "2024/01/01/[$LATEST]0", [(NOW, "hello from the log")], NOW)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("aws")),
        *("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", "hello"),
        *("--query", "events[].message", "--output", "text"),
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": f"http://127.0.0.1:{logs.port}",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    assert output.decode() == "hello from the log\n"
    assert process.returncode == 0
