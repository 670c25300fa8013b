"""The control plane's documents, by kind and key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from warmstart.service.state.database import Database

__all__ = ["Store"]

_MIGRATIONS = [
    """
    CREATE TABLE documents (
        kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, key)
    ) WITHOUT ROWID
    """,
]


class Store:
    """Documents are what JSON can say. A write that returned is on the disk.

    Every call may raise a `StateError`; the write did not happen then, and all
    that were acknowledged before are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Open the state of a directory, or make it.

        Raises:
            DirectoryInUse: another process uses the directory.
            NewerState: a newer release wrote it.
            CorruptState: the file is damaged; it is left as it is.
            StateError: the directory cannot be used.
        """
        return cls(Database(directory / "state.sqlite", _MIGRATIONS))

    def close(self) -> None:
        """Let others have the directory."""
        self._database.close()

    def put(self, kind: str, key: str, document: Mapping[str, Any]) -> None:
        """Keep a document in the place of any other of that kind and key."""
        self._database.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
            (kind, key, json.dumps(document, separators=(",", ":"))),
        )

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The document, a copy of the caller's own."""
        rows = self._database.query(
            "SELECT document FROM documents WHERE kind = ? AND key = ?", (kind, key)
        )
        return json.loads(rows[0][0]) if rows else None

    def delete(self, kind: str, key: str) -> bool:
        """Forget a document; tells whether there was one."""
        cursor = self._database.execute(
            "DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)
        )
        return cursor.rowcount > 0

    def all(self, kind: str, prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
        """The keys that begin with `prefix` and their documents, sorted by key."""
        rows = self._database.query(
            "SELECT key, document FROM documents WHERE kind = ? AND key >= ?"
            " AND substr(key, 1, length(?)) = ? ORDER BY key",
            (kind, prefix, prefix, prefix),
        )
        return [(key, json.loads(document)) for key, document in rows]

    def transaction(self) -> AbstractContextManager[None]:
        """Several writes as one: all are kept, or none. Transactions nest; never await in one."""
        return self._database.transaction()
