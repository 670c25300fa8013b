"""All triggers of a configuration, at work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from warmstart.triggers.buckets.folder import FolderBuckets
from warmstart.triggers.buckets.notifications import Bucket, QueueBucket, ServerBucket
from warmstart.triggers.buckets.queue import taking_notifications
from warmstart.triggers.buckets.server import ServerBuckets
from warmstart.triggers.buses.queue import taking_events
from warmstart.triggers.buses.rules import Rules
from warmstart.triggers.configuration import Triggers
from warmstart.triggers.enqueuer import Account, Enqueuer
from warmstart.triggers.push.push import Receiver
from warmstart.triggers.push.receivers import receivers
from warmstart.triggers.queues.messages import reading_messages
from warmstart.triggers.schedules.engine import Schedules

__all__ = ["running"]


@asynccontextmanager
async def running(
    triggers: Triggers,
    directory: Path,
    enqueuer: Enqueuer,
    account: Account | None = None,
    *,
    endpoints: Mapping[str, str] | None = None,
) -> AsyncIterator[Mapping[str, Receiver]]:
    """Wake functions until the end of the block; what must be kept is in `directory`.

    Who takes pushes is yielded, by the kind that their paths begin with.

    `endpoints` are the URLs of AWS's services, by their names in ARNs.

    Raises:
        OSError: a folder cannot be made.
        NotRead: there is no endpoint for queues, and one is to be read.
        sqlite3.Error: a file of `directory` cannot be used.
    """
    async with AsyncExitStack() as stack:
        path = directory / "schedules.sqlite"
        if triggers.schedules or path.exists():  # to forget those that are no longer there
            schedules = Schedules(path, triggers.schedules, enqueuer, account=account)
            await stack.enter_async_context(schedules)
        folders = [each for each in triggers.buckets if isinstance(each, Bucket)]
        if folders:
            path = directory / "buckets.sqlite"
            buckets = FolderBuckets(path, folders, enqueuer, account=account)
            await stack.enter_async_context(buckets)
        queues = [each for each in triggers.buckets if isinstance(each, QueueBucket)]
        rules = Rules(triggers.rules, enqueuer, account)
        takers = taking_notifications(queues, enqueuer)
        takers |= taking_events(triggers.buses, rules.deliver)
        if takers:
            await stack.enter_async_context(reading_messages(takers, endpoints or {}))
        pushes = dict(receivers(triggers, enqueuer, endpoints or {}))
        servers = [each for each in triggers.buckets if isinstance(each, ServerBucket)]
        if servers:
            path = directory / "servers.sqlite"
            stored = ServerBuckets(path, servers, enqueuer, account=account)
            pushes["s3"] = await stack.enter_async_context(stored)
        yield pushes
