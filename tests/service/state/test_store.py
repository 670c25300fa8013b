from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warmstart.service.state.database import Database
from warmstart.service.state.errors import (
    CorruptState,
    DirectoryInUse,
    NewerState,
    StateError,
    StorageFault,
    StorageFull,
)
from warmstart.service.state.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def test_a_document_is_kept_until_it_is_deleted(store: Store) -> None:
    store.put("function", "a", {"Timeout": 3})
    store.put("function", "a", {"Timeout": 4})

    assert store.get("function", "a") == {"Timeout": 4}
    assert store.get("alias", "a") is None
    assert store.delete("function", "a")
    assert not store.delete("function", "a")
    assert store.get("function", "a") is None


def test_a_document_is_the_callers_own_copy(store: Store) -> None:
    document = {"Tags": {"a": "b"}}
    store.put("function", "a", document)
    document["Tags"]["a"] = "changed"

    assert store.get("function", "a") == {"Tags": {"a": "b"}}


@given(keys=st.sets(st.text(st.characters(codec="utf-8"))), prefix=st.text("a%_*ß\U0010ffff"))
@settings(max_examples=20, deadline=None)
def test_all_finds_what_has_the_prefix_in_order(
    tmp_path_factory: pytest.TempPathFactory, keys: set[str], prefix: str
) -> None:
    directory = tmp_path_factory.mktemp("state")
    opened = Store.open(directory)
    try:
        with opened.transaction():
            for key in [*keys, prefix + "x"]:
                opened.put("function", key, {"key": key})
                opened.put("alias", key, {})
        found = opened.all("function", prefix)
    finally:
        opened.close()

    expected = sorted(key for key in {*keys, prefix + "x"} if key.startswith(prefix))
    assert found == [(key, {"key": key}) for key in expected]


def test_what_was_written_is_found_after_a_restart(tmp_path: Path) -> None:
    first = Store.open(tmp_path / "new" / "directory")
    first.put("function", "a", {"unicode": "\u00df\U0001f600", "none": None})
    first.close()

    second = Store.open(tmp_path / "new" / "directory")
    assert second.get("function", "a") == {"unicode": "\u00df\U0001f600", "none": None}
    second.close()


def test_nobody_else_can_read_what_is_kept(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        store = Store.open(tmp_path)
        store.put("kind", "key", {"secret": "s"})
    finally:
        os.umask(mask)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("state.sqlite*")}
    store.close()
    assert set(modes) == {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm"}
    assert set(modes.values()) == {0o600}


def test_a_transaction_keeps_all_or_nothing(store: Store) -> None:
    with store.transaction():
        store.put("function", "a", {})
        store.put("function", "b", {})
    with suppress(KeyError), store.transaction():
        store.put("function", "c", {})
        store.delete("function", "a")
        raise KeyError

    assert [key for key, _ in store.all("function")] == ["a", "b"]


def test_an_inner_transaction_that_fails_undoes_its_own_writes_only(store: Store) -> None:
    with store.transaction():
        store.put("function", "a", {})
        with suppress(KeyError), store.transaction():
            store.put("function", "b", {})
            raise KeyError
        with store.transaction():
            store.put("function", "c", {})

    assert [key for key, _ in store.all("function")] == ["a", "c"]


def test_an_outer_transaction_that_fails_undoes_the_inner_ones(store: Store) -> None:
    with suppress(KeyError), store.transaction():
        with store.transaction():
            store.put("function", "a", {})
        raise KeyError

    assert store.all("function") == []


_HOLD = """
import sys
from pathlib import Path
from warmstart.service.state.store import Store
store = Store.open(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_holds_the_directory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DirectoryInUse) as refused:
            Store.open(tmp_path)
        holder.kill()

    assert refused.value.pid == holder.pid
    assert f"{tmp_path} is in use by process {holder.pid}" in str(refused.value)
    Store.open(tmp_path).close()  # a holder that was killed holds nothing


def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "state.sqlite")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()

    with pytest.raises(NewerState, match=r"state\.sqlite was written by a newer .*schema 1000"):
        Store.open(tmp_path)


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    first = ["CREATE TABLE a (x); INSERT INTO a VALUES (1)"]
    Database(path, first).close()

    database = Database(path, [*first, "ALTER TABLE a ADD COLUMN y DEFAULT 2"])
    assert database.query("SELECT x, y FROM a") == [(1, 2)]
    database.close()
    with pytest.raises(NewerState):
        Database(path, first)


def _damage_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))


def _damage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"#!/bin/sh\n" + bytes(200))


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


@pytest.mark.parametrize("damage", [_damage_page, _damage_header, _truncate, _empty, _foreign])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, damage: object) -> None:
    opened = Store.open(tmp_path)
    with opened.transaction():
        for number in range(500):
            opened.put("function", f"f{number}", {"Description": "x" * 100})
    opened.close()
    path = tmp_path / "state.sqlite"
    damage(path)  # type: ignore[operator]
    before = path.read_bytes()

    for _ in range(2):
        with pytest.raises(CorruptState, match=r"state\.sqlite is damaged"):
            Store.open(tmp_path)

    assert path.read_bytes() == before


def test_a_damaged_file_is_left_as_it_is_with_its_log(tmp_path: Path) -> None:
    log = _crashed(tmp_path / "a", tmp_path / "b", writes=800)
    path = tmp_path / "b" / "state.sqlite"
    assert path.stat().st_size > 1 << 20  # some of it has been folded in
    with path.open("r+b") as file:
        file.seek(1 << 19)
        file.write(os.urandom(1 << 17))
    before = path.read_bytes(), log.read_bytes()

    with pytest.raises(CorruptState, match=r"state\.sqlite is damaged"):
        Store.open(tmp_path / "b")

    assert (path.read_bytes(), log.read_bytes()) == before


def test_a_file_that_is_gone_while_its_log_is_there_is_not_made_anew(tmp_path: Path) -> None:
    opened = Store.open(tmp_path)
    opened.put("function", "a", {})
    shutil.copytree(tmp_path, tmp_path / "copy")  # as a kill would leave it
    opened.close()
    (tmp_path / "copy" / "state.sqlite").unlink()

    with pytest.raises(CorruptState, match="it is missing, but its log is there"):
        Store.open(tmp_path / "copy")


def _crashed(directory: Path, copy: Path, writes: int = 100) -> Path:
    """What a kill leaves of a state after so many acknowledged writes; its log."""
    opened = Store.open(directory)
    for number in range(writes):
        opened.put("function", f"{number:06}", {"Description": "x" * 3000})
    shutil.copytree(directory, copy)
    opened.close()
    return copy / "state.sqlite-wal"


@pytest.mark.parametrize("part", [0.0, 0.01, 0.3, 0.7, 0.97])
@pytest.mark.parametrize("length", [1, 16, 10_000])
def test_a_damaged_log_is_refused_and_left_as_it_is(
    tmp_path: Path, part: float, length: int
) -> None:
    log = _crashed(tmp_path / "a", tmp_path / "b")
    content = bytearray(log.read_bytes())
    at = int(len(content) * part)
    content[at : at + length] = bytes(byte ^ 0x55 for byte in content[at : at + length])
    log.write_bytes(content)

    with pytest.raises(CorruptState, match="its log is not what was written"):
        Store.open(tmp_path / "b")

    assert log.read_bytes() == content


@pytest.mark.parametrize("lost", [1, 100, 4000, 5000])
def test_a_log_that_ends_in_a_torn_transaction_is_read_up_to_it(tmp_path: Path, lost: int) -> None:
    log = _crashed(tmp_path / "a", tmp_path / "b")
    os.truncate(log, log.stat().st_size - lost)

    assert len(_survivors(tmp_path / "b")) >= 98


def test_a_log_that_is_whole_is_read_as_a_whole(tmp_path: Path) -> None:
    _crashed(tmp_path / "a", tmp_path / "b")

    assert len(_survivors(tmp_path / "b")) == 100


def test_what_an_earlier_log_left_behind_is_not_damage(tmp_path: Path) -> None:
    opened = Store.open(tmp_path / "a")
    for number in range(500):  # long enough for the log to begin anew
        opened.put("function", f"{number:06}", {"Description": "x" * 20_000})
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    opened.close()

    assert len(_survivors(tmp_path / "b")) == 500


_FILL = """
import sys
from pathlib import Path
from warmstart.service.state.store import Store
store = Store.open(Path(sys.argv[1]))
try:
    for number in range(100_000):
        store.put("function", f"{number:06}", {"Description": "x" * 1000})
        print(number, flush=True)
except Exception as error:
    print(type(error).__name__, error, flush=True)
    assert store.get("function", "000000")
    sys.exit(7)
"""


def _fill(directory: Path, limit: int | None = None) -> tuple[int, str]:
    """Write until it fails; the number of writes acknowledged, and the error."""

    def lower() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lower,
        check=False,
    )
    assert done.returncode == 7
    *acknowledged, error = done.stdout.splitlines()
    return len(acknowledged), error


def _survivors(directory: Path) -> list[str]:
    opened = Store.open(directory)
    try:
        found = [key for key, _ in opened.all("function")]
        opened.put("function", "another", {})
    finally:
        opened.close()
    return found


def test_a_full_disk_is_an_error_and_loses_nothing_acknowledged(
    tmp_path: Path, small_disk: Path
) -> None:
    acknowledged, error = _fill(small_disk / "state")
    shutil.copytree(small_disk / "state", tmp_path / "roomier")

    assert acknowledged > 100
    assert error.startswith("StorageFull no room to write")
    assert _survivors(tmp_path / "roomier")[:acknowledged] == [
        f"{number:06}" for number in range(acknowledged)
    ]


def test_a_file_that_may_not_grow_is_an_error_and_loses_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    acknowledged, error = _fill(tmp_path, 1 << 20)

    assert acknowledged > 10
    assert error.startswith(("StorageFull", "StorageFault"))
    assert _survivors(tmp_path)[:acknowledged] == [f"{number:06}" for number in range(acknowledged)]


def test_a_write_without_room_undoes_its_whole_transaction(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.sqlite", ["CREATE TABLE a (x)"])
    database.execute("INSERT INTO a VALUES ('acknowledged')")
    database.execute("PRAGMA max_page_count = 4")

    def write() -> None:
        with database.transaction():
            database.execute("INSERT INTO a VALUES ('undone')")
            with pytest.raises(StorageFull):
                database.execute("INSERT INTO a VALUES (zeroblob(100000))")
            # SQLite has undone all by now; what comes next must not stand alone.
            database.execute("INSERT INTO a VALUES ('alone')")

    with pytest.raises(StorageFault, match="an earlier write has failed"):
        write()
    database.execute("INSERT INTO a VALUES ('after')")

    assert database.query("SELECT x FROM a") == [("acknowledged",), ("after",)]
    database.close()


_COUNT = """
import sys
from pathlib import Path
from warmstart.service.state.store import Store
store = Store.open(Path(sys.argv[1]))
for number in range(100_000):
    with store.transaction():
        store.put("function", f"{number:06}", {})
        store.put("alias", f"{number:06}", {})
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_acknowledged_and_leaves_no_half_transaction(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _COUNT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        while int(writer.stdout.readline()) < 50:
            pass
        writer.kill()
        last = [50, *map(int, writer.stdout.read().split("\n")[:-1])][-1]
    assert writer.returncode == -signal.SIGKILL

    opened = Store.open(tmp_path)
    functions = [key for key, _ in opened.all("function")]
    assert len(functions) > last
    assert [key for key, _ in opened.all("alias")] == functions
    opened.close()


def test_a_directory_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match=f"{tmp_path}/file/state cannot be read or written: Not a"):
        Store.open(tmp_path / "file" / "state")


def test_a_document_that_is_not_json_is_refused(store: Store) -> None:
    with pytest.raises(TypeError):
        store.put("function", "a", {"ZipFile": b"bytes"})
    assert store.all("function") == []
