"""Group commit: many writers share one transaction, and so one wait for the disk.

A thread owns the database. It takes all jobs that have come together while it
waited for the disk, runs them in one transaction, and then tells their callers; so
a call is as slow as the disk, and a thousand calls at a time are hardly slower. If
the transaction fails each of its jobs is run in one of its own, so that what is too
big for the disk does not take the others with it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from warmstart.service.state.database import Database

__all__ = ["GroupCommit", "Rows"]

_MOST = 1000
"""Jobs in one transaction: the first one of a batch is told no sooner than the last."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement that takes many rows at once: `head`, `row` for each of them, and `tail`."""

    head: str
    row: str
    tail: str = ""

    def write(self, database: Database, values: Sequence[Sequence[Any]]) -> None:
        """Write these rows. Few sizes of statement keep SQLite from parsing it ever anew."""
        start = 0
        for size in (64, 8, 1):
            statement = self.head + ", ".join([self.row] * size) + self.tail
            while start + size <= len(values):
                taken = values[start : start + size]
                database.execute(statement, [value for row in taken for value in row])
                start += size


@dataclass(slots=True)
class _Job:
    """Either `run` is to be called, or `values` to be written as one of `rows`."""

    future: asyncio.Future[Any]
    run: Callable[[Database], Any] | None = None
    rows: Rows | None = None
    values: Sequence[Any] = ()
    result: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        if self.future.done():
            return  # its caller has left
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupCommit:
    """Must be made on the event loop that it will be used from."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        # A daemon, as a process that ends without closing must not wait for it:
        # all that it was told to keep and has acknowledged is on the disk.
        self._thread = threading.Thread(target=self._work, name="group commit", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[Database], _Result]) -> asyncio.Future[_Result]:
        """Run a job in the thread; the future is done when its writes are on the disk.

        The future raises what the job raised, or the `StateError` of the commit. A
        caller that stops waiting does not stop the job. Jobs that come together are
        run in no particular order.
        """
        return self._put(_Job(self._loop.create_future(), run))

    def write(self, rows: Rows, values: Sequence[Any]) -> asyncio.Future[None]:
        """Write one row, together with others."""
        return self._put(_Job(self._loop.create_future(), rows=rows, values=values))

    def _put(self, job: _Job) -> asyncio.Future[Any]:
        if self._closing:
            raise RuntimeError("the queue is closed")
        self._jobs.put(job)
        return job.future

    async def aclose(self) -> None:
        """Finish all jobs, and close the database."""
        self._closing = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _work(self) -> None:
        running = True
        while running:
            taken = self._take()
            batch = [job for job in taken if job is not None]
            running = len(batch) == len(taken)
            self._commit(batch)
            self._tell(batch)

    def _take(self) -> list[_Job | None]:
        taken = [self._jobs.get()]
        while len(taken) < _MOST and taken[-1] is not None:
            try:
                taken.append(self._jobs.get_nowait())
            except Empty:
                break
        return taken

    def _commit(self, batch: list[_Job]) -> None:
        try:
            with self._database.transaction():
                together: dict[Rows, list[Sequence[Any]]] = {}
                for job in batch:
                    if job.run is not None:
                        job.result = job.run(self._database)
                    elif job.rows is not None:
                        together.setdefault(job.rows, []).append(job.values)
                for rows, values in together.items():
                    rows.write(self._database, values)
        except Exception as error:  # noqa: BLE001 - their callers get it, of whatever kind
            if len(batch) == 1:
                batch[0].error = error
            else:
                for job in batch:
                    self._commit([job])

    def _tell(self, batch: list[_Job]) -> None:
        def settle() -> None:
            for job in batch:
                job.settle()

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:
            pass  # the loop was closed first: nobody waits any more
