"""What wakes functions besides HTTP: as options of `warmstart dev`, and as a file of `serve`.

    schedules, buckets ─▶ AsyncInvocations ─▶ Service

In `dev` their state lives as long as the command: schedules begin when it starts, and
what is in a folder by then is no upload.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote_plus

import click

from warmstart.cli.console import Console
from warmstart.invoke import Invoker
from warmstart.service.asynchronous import AsyncConfig, AsyncInvocations, Destinations
from warmstart.service.invocation import new_request_id
from warmstart.triggers.buckets.notifications import Bucket, Notification, bucket_name
from warmstart.triggers.configuration import InvalidTriggers, Triggers, read_triggers
from warmstart.triggers.enqueuer import Enqueuer, Target
from warmstart.triggers.running import running
from warmstart.triggers.schedules.definitions import InvalidSchedule, Rule

__all__ = ["described", "dev_triggers", "running_in_dev", "triggers_of_file"]


def triggers_of_file(path: Path) -> Triggers:
    """The triggers of a TOML file; raises `click.UsageError` if there can be none such."""
    try:
        return read_triggers(tomllib.loads(path.read_text()), path.parent)
    except (InvalidTriggers, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from None


def dev_triggers(function: str, every: tuple[str, ...], folders: tuple[Path, ...]) -> Triggers:
    """What `--every` and `--bucket` ask for; raises `click.UsageError` if that cannot be."""
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
    buckets = {bucket_name(folder): folder for folder in folders}
    if len(buckets) < len(folders):
        raise click.UsageError("Two --bucket have the same name, and buckets have their own.")
    return Triggers(rules, tuple(Bucket(*each, (notification,)) for each in buckets.items()))


def described(triggers: Triggers) -> list[str]:
    """A line for each of them."""
    lines = [f"  woken by {each.schedule_expression}" for each in triggers.schedules]
    lines += [f"  woken by files in {bucket.directory}" for bucket in triggers.buckets]
    return lines


@asynccontextmanager
async def running_in_dev(
    triggers: Triggers, invoker: Invoker, arn: Callable[[str, str], str], console: Console
) -> AsyncIterator[None]:
    """Wake the app until the end of the block, with a queue of its own."""
    if triggers == Triggers():
        yield
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        invocations = AsyncInvocations(directory, invoker, _Defaults(), Destinations({}), arn)
        async with (
            invocations as queue,
            running(triggers, directory, _Announced(queue, console)),
        ):
            yield


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
    if "Records" not in event:
        return str(event["detail-type"])
    record = event["Records"][0]
    told = record["s3"]
    path = f"{told['bucket']['name']}/{unquote_plus(told['object']['key'])}"
    return f"{record['eventName']} {path}"
