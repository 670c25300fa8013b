from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.triggers.buckets.contents import Happening, Stamp, compare, find, read

A, B, C = Stamp(1, 10, 100), Stamp(2, 20, 200), Stamp(3, 30, 300)


def test_what_is_new_or_other_is_uploaded_and_what_is_gone_deleted() -> None:
    assert compare(
        {"same": A, "other": B, "gone": C}, {"same": A, "other": B._replace(size=9)}
    ) == [
        Happening("ObjectCreated:Put", "other", B, B._replace(size=9)),
        Happening("ObjectRemoved:Delete", "gone", C, None),
    ]


def test_a_rename_is_a_copy_and_then_a_deletion() -> None:
    assert compare({"old": A}, {"new": A}) == [
        Happening("ObjectCreated:Copy", "new", None, A),
        Happening("ObjectRemoved:Delete", "old", A, None),
    ]


stamps = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([A, B, C]))


@given(stamps, stamps)
def test_happenings_lead_from_what_was_seen_to_what_was_found(
    seen: dict[str, Stamp], found: dict[str, Stamp]
) -> None:
    state = dict(seen)
    for happening in compare(seen, found):
        assert state.get(happening.key) == happening.before
        if happening.after is None:
            del state[happening.key]
        else:
            state[happening.key] = happening.after

    assert state == found


def test_files_are_found_with_their_paths_as_keys(tmp_path: Path) -> None:
    for name in ("a.txt", "in/b c.txt", "in/deep/d.txt", ".hidden", ".git/config", "in/.part"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)

    assert set(find(tmp_path, [""])) == {"a.txt", "in/b c.txt", "in/deep/d.txt"}
    assert set(find(tmp_path, ["in/deep", "a.txt", "gone", "link", ".git"])) == {
        "a.txt",
        "in/deep/d.txt",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_what_cannot_be_a_key_is_no_object(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))).touch()

    assert find(tmp_path, [""]) == {}


def test_a_file_is_read_with_its_md5(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"content")
    content = read(path)

    assert content is not None
    assert content.etag == hashlib.md5(b"content").hexdigest()
    assert content.stamp == find(tmp_path, ["a"])["a"]
    assert read(tmp_path / "gone") is None
    assert read(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_is_open_for_writing_is_not_closed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.write(b"half")
        content = read(path)
        assert content is not None
        assert content.closed is False
    with path.open("rb"):
        content = read(path)
        assert content is not None
        assert content.closed is True
