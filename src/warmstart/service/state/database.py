"""A SQLite file that keeps what was acknowledged, and says clearly when it cannot.

WAL with `synchronous=FULL`: a commit returns once it is on the disk. The file is
made under another name and moved into place when it is whole, so a file that is
there and empty is damaged, not new; SQLite itself would take it for a new one. It
belongs to one process, which holds `<name>.lock`, and is used by one thread at a
time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from warmstart.service.state.errors import CorruptState, NewerState, StorageFault, translated
from warmstart.service.state.lock import Lock
from warmstart.service.state.log import damage

__all__ = ["Database"]


class Database:
    """An open file. `migrations` are SQL scripts: the n-th makes schema n of schema n-1.

    Raises:
        DirectoryInUse: another process has it open.
        NewerState: its schema has more versions than there are migrations.
        CorruptState: it is damaged, or not a file of ours.
        StateError: it cannot be made or opened.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self.path = path
        self._depth = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translated(path.parent, error) from error
        self._lock = Lock(path.with_suffix(".lock"))
        try:
            if path.exists():
                version = _inspect(path, len(migrations))
            else:
                version = len(migrations)
                _create(path, migrations)
            # Functions' variables and events may hold secrets; SQLite gives its log the same mode.
            os.chmod(path, 0o600)
            self._connection = _connect(path)
            try:
                _apply(self._connection, migrations, version)
            except BaseException:
                self._connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            self._lock.release()
            raise translated(path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Fold the log into the file and let others have it."""
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement; outside of a transaction it is one of its own.

        Raises:
            StateError: it did not happen, or could not be kept.
        """
        self._check_transaction()
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise translated(self.path, error) from error

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a statement. Raises `StateError`."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise translated(self.path, error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is kept as a whole, or not at all.

        An inner transaction that fails undoes its own writes only. Do not await
        within: what other tasks write meanwhile would become a part of it.
        """
        outermost = self._depth == 0
        name = f"level_{self._depth}"
        self.execute("BEGIN IMMEDIATE" if outermost else f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
            self.execute("COMMIT" if outermost else f"RELEASE {name}")
        except BaseException:
            # After some failures, a full disk among them, SQLite has rolled back by itself.
            if self._connection.in_transaction:
                self.execute("ROLLBACK" if outermost else f"ROLLBACK TO {name}")
                if not outermost:
                    self.execute(f"RELEASE {name}")
            raise
        finally:
            self._depth -= 1

    def _check_transaction(self) -> None:
        """What follows a write that undid its transaction must not be kept without it."""
        if self._depth and not self._connection.in_transaction:
            raise StorageFault(self.path, "an earlier write has failed and undone the transaction")


def _inspect(path: Path, known: int) -> int:
    """The schema's version of a file that is sound. Nothing is changed by looking."""
    if path.stat().st_size == 0:
        raise CorruptState(path, "it is empty")
    if (damaged := damage(Path(f"{path}-wal"))) is not None:
        raise CorruptState(path, f"{damaged} is not what was written")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        ((problem,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    finally:
        connection.close()
    if problem != "ok":
        raise CorruptState(path, problem.replace("\n", " "))
    if version == 0:
        raise CorruptState(path, "it is not a file of warmstart's")
    if version > known:
        raise NewerState(path, version, known)
    return int(version)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, migrations: Sequence[str]) -> None:
    if Path(f"{path}-wal").exists():
        # SQLite would play the log of the missing file into the new one.
        raise CorruptState(path, "it is missing, but its log is there")
    new = path.with_suffix(".new")
    for leftover in (new, Path(f"{new}-wal"), Path(f"{new}-shm")):
        leftover.unlink(missing_ok=True)
    connection = _connect(new)
    try:
        _apply(connection, migrations, 0)
    finally:
        connection.close()
    new.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _apply(connection: sqlite3.Connection, migrations: Sequence[str], version: int) -> None:
    for number, script in enumerate(migrations[version:], version + 1):
        connection.executescript(f"BEGIN;\n{script};\nPRAGMA user_version = {number};\nCOMMIT;")
