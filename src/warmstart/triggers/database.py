"""The SQLite files in which triggers keep what must outlive the process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["connect", "transaction"]

_PAUSE = 0.05
"""Seconds between two looks whether another process has ended its transaction."""


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """Open the file, or make it, with the tables of `schema`, each made if it does not exist.

    WAL with `synchronous=FULL`: a commit returns once it is on the disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    connection.execute("PRAGMA busy_timeout=0")  # `transaction` waits without holding up the loop
    return connection


@asynccontextmanager
async def transaction(connection: sqlite3.Connection) -> AsyncIterator[None]:
    """The only transaction that writes to the file, in this process or another.

    It may be awaited in, if the connection is used by nobody else meanwhile. What was
    written is kept when the block ends without an error, else forgotten.
    """
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        await asyncio.sleep(_PAUSE)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some failures SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise
