"""What the functions of buckets at S3-compatible servers have been told of, in a SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from warmstart.triggers.database import connect

__all__ = ["Stored", "Told"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, size INTEGER, etag TEXT, modified INTEGER,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID
"""


class Stored(NamedTuple):
    """What an object is told by. `modified` is in seconds since the epoch, `None` if unknown."""

    size: int
    etag: str
    modified: int | None = None

    def may_be(self, other: Stored) -> bool:
        """Whether they are the same as far as both tell."""
        known = None not in (self.modified, other.modified)
        return self[:2] == other[:2] and (not known or self.modified == other.modified)


class Told:
    """Each object of each bucket, as it was when an event of it was last taken."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises `sqlite3.Error` if that cannot be."""
        self._connection = connect(path, _SCHEMA)
        # Kept over a kill, and not over a power failure: then events are told again.
        self._connection.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def knows_bucket(self, name: str) -> bool:
        """Whether the bucket was listed before."""
        query = "SELECT 1 FROM buckets WHERE name = ?"
        return self._connection.execute(query, (name,)).fetchone() is not None

    def add_bucket(self, name: str, objects: dict[str, Stored]) -> None:
        """Note a bucket with what is in it, of which nothing is told."""
        rows = [(name, key, *stored) for key, stored in objects.items()]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO buckets VALUES (?)", (name,))
        # What was told meanwhile is newer than the listing.
        self._connection.executemany("INSERT OR IGNORE INTO objects VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def objects(self, bucket: str) -> dict[str, Stored]:
        """All objects of a bucket, by their keys."""
        query = "SELECT key, size, etag, modified FROM objects WHERE bucket = ?"
        return {key: Stored(*row) for key, *row in self._connection.execute(query, (bucket,))}

    def put(self, bucket: str, key: str, stored: Stored | None) -> None:
        """Note how an object is now, or with `None` that there is none."""
        if stored is None:
            statement = "DELETE FROM objects WHERE bucket = ? AND key = ?"
            self._connection.execute(statement, (bucket, key))
        else:
            statement = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
            self._connection.execute(statement, (bucket, key, *stored))
