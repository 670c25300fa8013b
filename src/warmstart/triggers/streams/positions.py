"""Where each mapping is in each shard, kept in `streams.sqlite` of the service's directory.

A position is written when a batch is done with, or has been given up and told of. So
whenever the process is killed, reading goes on behind the last such batch.
"""

from __future__ import annotations

from pathlib import Path

from warmstart.triggers.database import connect
from warmstart.triggers.streams.model import Position

__all__ = ["Positions"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS positions (
    mapping TEXT NOT NULL,
    shard TEXT NOT NULL,
    sequence TEXT,
    since REAL,
    finished INTEGER NOT NULL,
    window REAL,
    state TEXT NOT NULL,
    PRIMARY KEY (mapping, shard)
) WITHOUT ROWID
"""


class Positions:
    """Close it with `close`. The position of a mapping's shard has one writer."""

    def __init__(self, directory: Path) -> None:
        self._connection = connect(directory / "streams.sqlite", _SCHEMA)

    def all(self, mapping_id: str) -> dict[str, Position]:
        """By the shards' ids."""
        rows = self._connection.execute(
            "SELECT shard, sequence, since, finished, window, state FROM positions"
            " WHERE mapping = ?",
            (mapping_id,),
        )
        return {
            shard: Position(sequence, since, False, bool(finished), window, state)
            for shard, sequence, since, finished, window, state in rows
        }

    def put(self, mapping_id: str, shard_id: str, position: Position) -> None:
        """Keep it; when this returns, it is on the disk."""
        self._connection.execute(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                mapping_id,
                shard_id,
                position.sequence,
                position.since,
                position.finished,
                position.window,
                position.state,
            ),
        )

    def forget(self, mapping_id: str) -> None:
        """The mapping is gone."""
        self._connection.execute("DELETE FROM positions WHERE mapping = ?", (mapping_id,))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
