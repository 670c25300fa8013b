"""What wakes functions besides HTTP: as options of `warmstart dev`, and as a file of `serve`.

    schedules, buckets ─▶ AsyncInvocations ─▶ Service

In `dev` their state lives as long as the command: schedules begin when it starts, and
what is in a folder by then is no upload.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_plus

import click

from warmstart.cli.console import Console
from warmstart.invoke import Invoker
from warmstart.service.asynchronous import AsyncConfig, AsyncInvocations, Destinations
from warmstart.service.invocation import new_request_id
from warmstart.service.logs.patterns import InvalidPattern, matcher
from warmstart.service.logs.subscribed import Filter
from warmstart.triggers.buckets.notifications import (
    AnyBucket,
    Bucket,
    Notification,
    QueueBucket,
    ServerBucket,
    bucket_name,
)
from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Enqueuer, Target
from warmstart.triggers.pollers import NotRead
from warmstart.triggers.push.door import PUSH, Application, Door
from warmstart.triggers.running import running
from warmstart.triggers.schedules.definitions import InvalidSchedule, Rule

__all__ = ["described", "dev_triggers", "log_filters", "running_in_dev", "triggers_of_file"]


def triggers_of_file(path: Path, function: str | None = None) -> Triggers:
    """The triggers of a TOML file; raises `click.UsageError` if there can be none such.

    With a `function` it may have no other.
    """
    try:
        document = tomllib.loads(path.read_text())
        triggers = read_triggers(document, path.parent)
    except (InvalidTriggers, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from None
    for name in document.get("functions", ()):
        if function not in (None, name):
            raise click.UsageError(f"{path}: the only function here is '{function}', not '{name}'.")
    return triggers


def dev_triggers(
    function: str, every: tuple[str, ...], folders: tuple[Path, ...], others: Triggers
) -> Triggers:
    """What `--every` and `--bucket` ask for, and the others.

    Raises:
        click.UsageError: that cannot be.
    """
    if others.rules or others.logs:
        raise click.UsageError(
            "EventBridgeRule and CloudWatchLogs need `warmstart serve`: it has buses and logs."
        )
    target = Target(function)
    try:
        rules = tuple(
            Rule(name=f"every-{number}", schedule_expression=expression, target=target)
            for number, expression in enumerate(every, 1)
        )
    except InvalidSchedule as error:
        raise click.UsageError(str(error)) from None
    events = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
    notification = Notification(target=target, events=events)
    buckets = (
        *others.buckets,
        *(Bucket(bucket_name(folder), folder, (notification,)) for folder in folders),
    )
    if len({bucket.name for bucket in buckets}) < len(buckets):
        raise click.UsageError("Two --bucket have the same name, and buckets have their own.")
    return replace(others, schedules=others.schedules + rules, buckets=buckets)


def described(triggers: Triggers) -> list[str]:
    """A line for each of them."""
    lines = [f"  woken by {each.schedule_expression}" for each in triggers.schedules]
    lines += [f"  woken by {_place(bucket)}" for bucket in triggers.buckets]
    lines += [f"  woken by the log {each.log_group}" for each in triggers.logs]
    lines += [f"  woken by events of the bus {each.bus}" for each in triggers.rules]
    lines += [f"  events of the bus {bus} in {arn}" for arn, bus in triggers.buses.items()]
    lines += [f"  woken by {each.topic}, posted to {PUSH}sns" for each in triggers.topics]
    lines += [f"  woken by posts to {PUSH}webhooks{hook.path}" for hook in triggers.webhooks]
    return lines


def _place(bucket: AnyBucket) -> str:
    match bucket:
        case Bucket():
            return f"files in {bucket.directory}"
        case QueueBucket():
            return f"notifications of s3://{bucket.name} in {bucket.queue_arn}"
        case ServerBucket():
            return f"s3://{bucket.name} at {bucket.url}, posted to {PUSH}s3"


def log_filters(triggers: Triggers) -> list[Filter]:
    """The subscriptions to logs; raises `click.UsageError` if a pattern is none."""
    filters = []
    for each in triggers.logs:
        try:
            matches = matcher(each.filter_pattern)
        except InvalidPattern as error:
            raise click.UsageError(f"{each.name}: FilterPattern: {error}") from None
        target = each.target
        filters.append(
            Filter(each.name, each.log_group, matches, target.function, target.qualifier)
        )
    return filters


@asynccontextmanager
async def running_in_dev(
    triggers: Triggers,
    invoker: Invoker,
    arn: Callable[[str, str], str],
    console: Console,
    application: Application,
) -> AsyncIterator[Application]:
    """Wake the app until the end of the block, with a queue of its own.

    What is to be served is `application`, with the door for pushes if there may be any.
    """
    if triggers == Triggers():
        yield application
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        invocations = AsyncInvocations(directory, invoker, _Defaults(), Destinations({}), arn)
        async with invocations as queue:
            announced = _Announced(queue, console)
            endpoints = _endpoints(os.environ)
            try:
                async with running(triggers, directory, announced, endpoints=endpoints) as pushes:
                    yield Door(application, pushes, triggers.push_token) if pushes else application
            except NotRead as error:
                raise click.ClickException(str(error)) from None


def _endpoints(environment: Mapping[str, str]) -> dict[str, str]:
    """The URLs of AWS's services, or of what stands in for them, as an SDK would find them."""
    default = environment.get("AWS_ENDPOINT_URL")
    found = {
        name: environment.get(f"AWS_ENDPOINT_URL_{name.upper()}", default)
        for name in ("sns", "sqs")
    }
    return {name: url for name, url in found.items() if url}


class _Defaults:
    """Each function is invoked with AWS's own settings."""

    def async_config(self, function: str, qualifier: str) -> AsyncConfig:
        return AsyncConfig()


class _Announced:
    """Tells the console of each event, so that it prints what becomes of it."""

    def __init__(self, queue: Enqueuer, console: Console) -> None:
        self._queue = queue
        self._console = console

    async def enqueue(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        request_id: str | None = None,
    ) -> None:
        request_id = request_id or new_request_id()
        self._console.on_trigger(request_id, _describe(payload))
        await self._queue.enqueue(function, qualifier, payload, request_id=request_id)


def _describe(payload: bytes) -> str:
    event = json.loads(payload)
    if "requestContext" in event:
        return f"webhook {event['rawPath']}"
    if "Records" not in event:
        return str(event["detail-type"])
    record = event["Records"][0]
    if "Sns" in record:
        return f"notification of {record['Sns']['TopicArn'].rpartition(':')[2]}"
    told = record["s3"]
    path = f"{told['bucket']['name']}/{unquote_plus(told['object']['key'])}"
    return f"{record['eventName']} {path}"
