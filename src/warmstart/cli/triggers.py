"""What wakes the app of `warmstart dev` besides HTTP: schedules, and folders as buckets.

    schedules, buckets ─▶ AsyncInvocations ─▶ Service

Their state lives as long as the command: schedules begin when it starts, and what is in
a folder by then is no upload.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

import click

from warmstart.cli.console import Console
from warmstart.invoke import Invoker
from warmstart.service.asynchronous import AsyncConfig, AsyncInvocations, Destinations
from warmstart.service.invocation import new_request_id
from warmstart.triggers.buckets.folder import FolderBuckets
from warmstart.triggers.buckets.notifications import Bucket, Notification, bucket_name
from warmstart.triggers.enqueuer import Enqueuer, Target
from warmstart.triggers.schedules.definitions import InvalidSchedule, Rule
from warmstart.triggers.schedules.engine import Schedules

__all__ = ["Triggers"]


class _Defaults:
    """Each function is invoked with AWS's own settings."""

    def async_config(self, function: str, qualifier: str) -> AsyncConfig:
        return AsyncConfig()


@dataclass(frozen=True, slots=True)
class Triggers:
    """The triggers of a command line."""

    rules: tuple[Rule, ...]
    buckets: tuple[Bucket, ...]

    @classmethod
    def read(cls, function: str, every: tuple[str, ...], folders: tuple[Path, ...]) -> Triggers:
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
        return cls(rules, tuple(Bucket(*each, (notification,)) for each in buckets.items()))

    def describe(self) -> list[str]:
        """A line for each of them."""
        lines = [f"  woken by {rule.schedule_expression}" for rule in self.rules]
        lines += [f"  woken by files in {bucket.directory}" for bucket in self.buckets]
        return lines

    @asynccontextmanager
    async def running(
        self, invoker: Invoker, arn: Callable[[str, str], str], console: Console
    ) -> AsyncIterator[None]:
        """Wake the app until the end of the block."""
        async with AsyncExitStack() as stack:
            if self.rules or self.buckets:
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                invocations = AsyncInvocations(
                    directory, invoker, _Defaults(), Destinations({}), arn
                )
                queue = _Announced(await stack.enter_async_context(invocations), console)
                for trigger in (
                    Schedules(directory / "schedules.sqlite", self.rules, queue),
                    FolderBuckets(directory / "buckets.sqlite", self.buckets, queue),
                ):
                    await stack.enter_async_context(trigger)
            yield


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
