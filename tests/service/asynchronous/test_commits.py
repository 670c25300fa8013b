from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from warmstart.service.asynchronous.commits import GroupCommit
from warmstart.service.state.database import Database
from warmstart.service.state.errors import StateError


class Counting(Database):
    transactions = 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.transactions += 1
        with super().transaction():
            yield


@asynccontextmanager
async def committing(tmp_path: Path) -> AsyncIterator[tuple[GroupCommit, Counting]]:
    database = Counting(tmp_path / "a.sqlite", ["CREATE TABLE a (x UNIQUE)"])
    commits = GroupCommit(database)
    yield commits, database
    await commits.aclose()


def insert(value: int) -> Callable[[Database], int]:
    return lambda database: database.execute("INSERT INTO a VALUES (?)", (value,)).rowcount


def contents(tmp_path: Path) -> list[int]:
    """What another process would see."""
    connection = sqlite3.connect(tmp_path / "a.sqlite")
    try:
        return [row[0] for row in connection.execute("SELECT x FROM a ORDER BY x")]
    finally:
        connection.close()


async def test_jobs_that_come_together_share_a_transaction(tmp_path: Path) -> None:
    async with committing(tmp_path) as (commits, database):
        counts = await asyncio.gather(*(commits.submit(insert(n)) for n in range(1000)))

    assert counts == [1] * 1000
    assert database.transactions < 100
    assert contents(tmp_path) == list(range(1000))


async def test_a_job_is_done_when_it_is_committed(tmp_path: Path) -> None:
    async with committing(tmp_path) as (commits, _):
        for number in range(5):
            await commits.submit(insert(number))
            assert contents(tmp_path)[-1] == number


async def test_a_job_that_fails_fails_alone(tmp_path: Path) -> None:
    async with committing(tmp_path) as (commits, _):
        await commits.submit(insert(5))
        results = await asyncio.gather(
            *(commits.submit(insert(n)) for n in range(10)), return_exceptions=True
        )

    assert isinstance(results.pop(5), StateError)
    assert results == [1] * 9
    assert contents(tmp_path) == list(range(10))


async def test_a_caller_that_leaves_does_not_stop_its_job(tmp_path: Path) -> None:
    async with committing(tmp_path) as (commits, _):
        commits.submit(insert(1)).cancel()
        await commits.submit(insert(2))

    assert contents(tmp_path) == [1, 2]


async def test_closing_finishes_what_was_begun_and_takes_no_more(tmp_path: Path) -> None:
    async with committing(tmp_path) as (commits, _):
        jobs = [commits.submit(insert(n)) for n in range(3000)]

    assert all(job.done() for job in jobs)
    assert contents(tmp_path) == list(range(3000))
    with pytest.raises(RuntimeError, match="closed"):
        commits.submit(insert(1))
