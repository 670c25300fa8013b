"""All triggers of a configuration, at work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from warmstart.triggers.buckets.folder import FolderBuckets
from warmstart.triggers.configuration import Triggers
from warmstart.triggers.enqueuer import Account, Enqueuer
from warmstart.triggers.schedules.engine import Schedules

__all__ = ["running"]


@asynccontextmanager
async def running(
    triggers: Triggers, directory: Path, enqueuer: Enqueuer, account: Account | None = None
) -> AsyncIterator[None]:
    """Wake functions until the end of the block; what must be kept is in `directory`.

    Raises:
        OSError: a folder cannot be made.
        sqlite3.Error: a file of `directory` cannot be used.
    """
    async with AsyncExitStack() as stack:
        path = directory / "schedules.sqlite"
        if triggers.schedules or path.exists():  # to forget those that are no longer there
            schedules = Schedules(path, triggers.schedules, enqueuer, account=account)
            await stack.enter_async_context(schedules)
        if triggers.buckets:
            path = directory / "buckets.sqlite"
            buckets = FolderBuckets(path, triggers.buckets, enqueuer, account=account)
            await stack.enter_async_context(buckets)
        yield
