"""The durable queue: events, and the messages that they leave for destinations.

An event leaves the file in the transaction that puts its messages there, and a
message leaves it when it has arrived; so whenever the process dies, what is not done
is in the file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from warmstart.service.asynchronous.commits import GroupCommit, Rows
from warmstart.service.asynchronous.event import Event, Response
from warmstart.service.asynchronous.message import Message
from warmstart.service.state.database import Database
from warmstart.service.state.errors import StorageFault

__all__ = ["DurableQueue", "Waiting"]

_MIGRATIONS = [
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        function TEXT NOT NULL, qualifier TEXT NOT NULL, payload BLOB NOT NULL,
        request_id TEXT NOT NULL, created REAL NOT NULL, due REAL NOT NULL,
        trace_id TEXT NOT NULL, client_context TEXT, tenant_id TEXT,
        invoke_count INTEGER NOT NULL, refusals INTEGER NOT NULL,
        status INTEGER, executed_version TEXT, function_error TEXT,
        response_payload BLOB, message TEXT
    );
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        target TEXT NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL,
        request_id TEXT NOT NULL, function_arn TEXT NOT NULL, condition TEXT NOT NULL,
        trace_id TEXT NOT NULL, created REAL NOT NULL, due REAL NOT NULL, failures INTEGER NOT NULL
    )
    """,
]

Waiting = tuple[int, str, float]
"""What waits: its id, its key (a function's name, a target's ARN), and its due time."""


_ADD_EVENTS = Rows("INSERT INTO events VALUES ", f"({', '.join('?' * 17)})")
_FORGET_EVENTS = Rows("DELETE FROM events WHERE id IN (", "?", ")")


class DurableQueue:
    """Each call returns when it is on the disk, or raises a `StateError`."""

    def __init__(self, commits: GroupCommit, last_id: int) -> None:
        self._commits = commits
        self._last_id = last_id

    @classmethod
    async def open(cls, path: Path) -> DurableQueue:
        """Open the file, or make it.

        Raises:
            DirectoryInUse: another process uses it.
            StateError: it is damaged, of a newer release, or cannot be opened.
        """
        commits = GroupCommit(await asyncio.to_thread(Database, path, _MIGRATIONS))
        try:
            ((last_id,),) = await commits.submit(
                lambda database: database.query("SELECT max(id) FROM events")
            )
        except BaseException:
            await commits.aclose()
            raise
        return cls(commits, last_id or 0)

    async def aclose(self) -> None:
        """Finish what has been begun, and let others have the file."""
        await self._commits.aclose()

    def add(self, event: Event) -> tuple[Event, asyncio.Future[None]]:
        """Give an event its id, and keep it."""
        self._last_id += 1
        event = replace(event, id=self._last_id)
        return event, self._commits.write(_ADD_EVENTS, _row_of(event))

    async def read(self, number: int) -> Event:
        """An event, by its id."""
        return await self._commits.submit(lambda database: _event(database, number))

    async def retry(self, event: Event) -> None:
        """Keep what an attempt has changed of an event."""
        await self._commits.submit(lambda database: _update(database, event))

    async def finish(self, number: int, messages: Sequence[Message]) -> list[int]:
        """Forget an event, and keep the messages that it leaves; their ids."""
        if not messages:
            await self._commits.write(_FORGET_EVENTS, (number,))
            return []

        def run(database: Database) -> list[int]:
            database.execute("DELETE FROM events WHERE id = ?", (number,))
            return [_insert_message(database, message) for message in messages]

        return await self._commits.submit(run)

    async def read_message(self, number: int) -> Message:
        """A message, by its id."""
        return await self._commits.submit(lambda database: _message(database, number))

    async def retry_message(self, number: int, due: float, failures: int) -> None:
        """Keep when a message is to be sent again."""
        statement = "UPDATE messages SET due = ?, failures = ? WHERE id = ?"
        values = (due, failures, number)
        await self._commits.submit(lambda database: database.execute(statement, values).rowcount)

    async def finish_message(self, number: int) -> None:
        """Forget a message."""
        statement = "DELETE FROM messages WHERE id = ?"
        await self._commits.submit(lambda database: database.execute(statement, (number,)).rowcount)

    async def waiting(self) -> tuple[list[Waiting], list[Waiting]]:
        """All events and all messages that there are."""
        return await self._commits.submit(
            lambda database: (
                database.query("SELECT id, function, due FROM events ORDER BY id"),
                database.query("SELECT id, target, due FROM messages ORDER BY id"),
            )
        )


def _state(event: Event) -> tuple[Any, ...]:
    """The values of the columns that attempts change, in the table's order."""
    response = event.response or Response(0)
    return (
        event.invoke_count,
        event.refusals,
        response.status or None,
        response.executed_version,
        response.function_error,
        response.payload,
        response.message,
    )


def _row_of(event: Event) -> tuple[Any, ...]:
    return (
        event.id,
        event.function,
        event.qualifier,
        event.payload,
        event.request_id,
        event.created,
        event.due,
        event.trace_id,
        event.client_context,
        event.tenant_id,
        *_state(event),
    )


def _update(database: Database, event: Event) -> None:
    database.execute(
        "UPDATE events SET due = ?, invoke_count = ?, refusals = ?, status = ?,"
        " executed_version = ?, function_error = ?, response_payload = ?, message = ?"
        " WHERE id = ?",
        (event.due, *_state(event), event.id),
    )


def _event(database: Database, number: int) -> Event:
    row = _row(database, "events", number)
    status, *response = row[12:]
    return Event(
        id=row[0],
        function=row[1],
        qualifier=row[2],
        payload=row[3],
        request_id=row[4],
        created=row[5],
        due=row[6],
        trace_id=row[7],
        client_context=row[8],
        tenant_id=row[9],
        invoke_count=row[10],
        refusals=row[11],
        response=None if status is None else Response(status, *response),
    )


def _insert_message(database: Database, message: Message) -> int:
    cursor = database.execute(
        "INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.target,
            message.body,
            json.dumps(message.attributes),
            message.request_id,
            message.function_arn,
            message.condition,
            message.trace_id,
            message.created,
            message.due,
            message.failures,
        ),
    )
    return cursor.lastrowid or 0


def _message(database: Database, number: int) -> Message:
    _, target, body, attributes, *rest = _row(database, "messages", number)
    return Message(target, body, json.loads(attributes), *rest)


def _row(database: Database, table: str, number: int) -> Any:
    rows = database.query(f"SELECT * FROM {table} WHERE id = ?", (number,))  # noqa: S608 - ours
    if not rows:
        raise StorageFault(database.path, f"number {number} of its {table} is missing")
    return rows[0]
