"""What the functions of buckets have been told of, in a SQLite file."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from warmstart.triggers.buckets.contents import Happening, Stamp
from warmstart.triggers.database import connect, transaction

__all__ = ["Journal"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, key TEXT, size INTEGER, modified INTEGER, inode INTEGER,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS inodes ON objects (bucket, inode);
CREATE TABLE IF NOT EXISTS sequence (number INTEGER)
"""
_AFTER_SLASH = "0"
"""The character that follows the slash."""


class Journal:
    """Each object of each bucket, as it was when an event of it was last taken."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises `sqlite3.Error` if that cannot be."""
        self._connection = connect(path, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """The only transaction in this file; what is written in it is kept as a whole."""
        return transaction(self._connection)

    def add_bucket(self, name: str) -> bool:
        """Note a bucket; false if it is known."""
        cursor = self._connection.execute("INSERT OR IGNORE INTO buckets VALUES (?)", (name,))
        return cursor.rowcount > 0

    def objects(self, bucket: str, places: Iterable[str]) -> dict[str, Stamp]:
        """The objects at and below some keys; the empty key is the whole bucket."""
        found: dict[str, Stamp] = {}
        for place in places:
            query = "SELECT key, size, modified, inode FROM objects WHERE bucket = ?"
            values = [bucket]
            if place:
                query += " AND (key = ? OR key > ? AND key < ?)"
                values += [place, f"{place}/", f"{place}{_AFTER_SLASH}"]
            rows = self._connection.execute(query, values)
            found |= {key: Stamp(*stamp) for key, *stamp in rows}
        return found

    def knows(self, bucket: str, stamp: Stamp) -> bool:
        """Whether there is an object with that stamp under some key."""
        query = "SELECT 1 FROM objects WHERE bucket = ? AND size = ? AND modified = ? AND inode = ?"
        return self._connection.execute(query, (bucket, *stamp)).fetchone() is not None

    def is_as_before(self, bucket: str, happening: Happening) -> bool:
        """Whether nobody else has told of a happening meanwhile."""
        return self.objects(bucket, [happening.key]).get(happening.key) == happening.before

    def put(self, bucket: str, key: str, stamp: Stamp | None) -> None:
        """Note how an object is now, or with `None` that there is none."""
        if stamp is None:
            statement = "DELETE FROM objects WHERE bucket = ? AND key = ?"
            self._connection.execute(statement, (bucket, key))
        else:
            statement = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)"
            self._connection.execute(statement, (bucket, key, *stamp))

    def sequencer(self, time: float) -> str:
        """A hexadecimal number of a time that is greater than all before it."""
        ((last,),) = self._connection.execute("SELECT max(number) FROM sequence").fetchall()
        number = max((last or 0) + 1, int(time * 1e9))
        self._connection.execute("DELETE FROM sequence")
        self._connection.execute("INSERT INTO sequence VALUES (?)", (number,))
        return f"{number:018X}"
