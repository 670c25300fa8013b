from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warmstart.service.state.code import Code, CodeStore
from warmstart.service.state.errors import InvalidZip, StateError, StorageFull, TooLarge
from warmstart.service.state.tree import remove

NOT_A_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def archive(*entries: tuple[str, bytes | str, int]) -> bytes:
    """A zip of entries: name, content, Unix mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            made.writestr(info, content)
    return buffer.getvalue()


def link(name: str, target: str) -> tuple[str, str, int]:
    return name, target, stat.S_IFLNK | 0o777


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CodeStore]:
    yield CodeStore(tmp_path)
    left = [str(path) for path in tmp_path.glob("code/*/.*")]
    assert left == []


def contents(tree: Path) -> dict[str, str]:
    """All files and links of a tree, by path."""
    return {
        str(path.relative_to(tree)): f"-> {os.readlink(path)}"
        if path.is_symlink()
        else path.read_text()
        for path in tree.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_other_users_cannot_read_what_is_deployed(tmp_path: Path, store: CodeStore) -> None:
    assert stat.S_IMODE((tmp_path / "code").stat().st_mode) == 0o700


def test_code_is_known_by_its_content(store: CodeStore) -> None:
    zipped = archive(("app.py", "x = 1\n", 0o644), ("lib/", "", 0o755), ("lib/y.py", "", 0o600))

    code = store.add(zipped)

    # CodeSha256 is documented as the base64 of the package's SHA-256.
    sha256 = base64.b64encode(hashlib.sha256(zipped).digest()).decode()
    assert code == Code(sha256, len(zipped), 6)
    assert store.add(zipped) == code
    assert contents(store.directory(sha256)) == {"app.py": "x = 1\n", "lib/y.py": ""}
    assert store.archive(sha256).read_bytes() == zipped


def test_unpacked_code_is_read_only_and_keeps_the_right_to_execute(store: CodeStore) -> None:
    code = store.add(
        archive(("bin/bootstrap", "", 0o100755), ("a.py", "", 0o100666), ("dos.py", "", 0))
    )
    tree = store.directory(code.sha256)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tree.rglob("*")}
    assert modes == {"bin": 0o555, "bootstrap": 0o555, "a.py": 0o444, "dos.py": 0o444}
    assert stat.S_IMODE(tree.stat().st_mode) == 0o555


def test_links_within_the_archive_are_kept(store: CodeStore) -> None:
    code = store.add(
        archive(
            link("lib/libx.so", "libx.so.1"),
            ("lib/libx.so.1", "elf", 0o755),
            link("current", "lib"),
            link("lib/up", "../lib/libx.so"),
            link("nothing", "not/there"),
        )
    )

    assert contents(store.directory(code.sha256)) == {
        "lib/libx.so": "-> libx.so.1",
        "lib/libx.so.1": "elf",
        "current": "-> lib",
        "lib/up": "-> ../lib/libx.so",
        "nothing": "-> not/there",
    }


ESCAPES = {
    "a parent": [("../evil", "x", 0o644)],
    "a parent in the middle": [("a/../../evil", "x", 0o644)],
    "an absolute path": [("/tmp/evil", "x", 0o644)],
    "a link to a parent": [link("evil", "..")],
    "an absolute link": [link("evil", "/etc/passwd")],
    "a link to nothing outside": [link("evil", "../../../not/there")],
    "a chain of links": [link("a", "b/.."), link("b", "c/d"), link("c", "..")],
    "a file through a link": [link("a", "/tmp"), ("a/evil", "x", 0o644)],
    "a file through a link within": [link("a", "b"), ("b/", "", 0o755), ("a/x", "x", 0o644)],
    "a file in a file": [("a", "x", 0o644), ("a/b", "x", 0o644)],
    "a link that is a directory, too": [link("a/", "/"), ("a/b", "x", 0o644)],
    "no name": [(".", "x", 0o644)],
    "a name that is too long": [("x" * 300, "x", 0o644)],
    "a link that is too long": [link("a", "x" * 5000)],
    "a link to nowhere": [link("a", "")],
}


@pytest.mark.parametrize("entries", ESCAPES.values(), ids=ESCAPES)
def test_an_archive_that_leads_out_of_its_directory_is_refused(
    store: CodeStore, tmp_path: Path, entries: list[tuple[str, str, int]]
) -> None:
    zipped = archive(("first.py", "", 0o644), *entries)

    with pytest.raises(InvalidZip, match="archive"):
        store.add(zipped)

    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"boot"}
    with pytest.raises(StateError):
        store.directory(base64.b64encode(hashlib.sha256(zipped).digest()).decode())


GOOD = archive(("app.py", "x = 1\n" * 100, 0o644))


@pytest.mark.parametrize(
    "zipped",
    [b"", b"not a zip", GOOD[: len(GOOD) // 2], GOOD[:-5], b"PK\x05\x06", bytes(22)],
    ids=["empty", "text", "half", "cut off", "a signature", "zeros"],
)
def test_what_is_not_a_zip_is_refused_in_awss_words(store: CodeStore, zipped: bytes) -> None:
    with pytest.raises(InvalidZip) as refused:
        store.add(zipped)

    assert str(refused.value) == NOT_A_ZIP


def test_an_encrypted_archive_is_refused(store: CodeStore) -> None:
    at = GOOD.index(b"PK\x01\x02")
    encrypted = GOOD[: at + 8] + b"\x01" + GOOD[at + 9 :]

    with pytest.raises(InvalidZip, match="encrypted"):
        store.add(encrypted)


def test_damaged_content_is_refused(store: CodeStore) -> None:
    at = GOOD.index(b"app.py") + 10
    with pytest.raises(InvalidZip) as refused:
        store.add(GOOD[:at] + bytes([GOOD[at] ^ 0xFF]) + GOOD[at + 1 :])

    assert str(refused.value) == NOT_A_ZIP


@pytest.mark.parametrize("count", [1, 3])
def test_a_zip_bomb_is_refused_in_awss_words_before_it_goes_off(
    store: CodeStore, tmp_path: Path, count: int
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for number in range(count):
            with made.open(f"{number}", "w") as entry:
                for _ in range(250 // count + 1):
                    entry.write(bytes(1 << 20))

    with pytest.raises(TooLarge) as refused:
        store.add(buffer.getvalue())

    assert str(refused.value) == "Unzipped size must be smaller than 262144000 bytes"
    assert list(tmp_path.glob("code/*/*")) == []


def test_an_archive_that_lies_about_its_size_unpacks_to_no_more(store: CodeStore) -> None:
    at = GOOD.index(b"PK\x01\x02")
    lie = GOOD[: at + 24] + (10).to_bytes(4, "little") + GOOD[at + 28 :]

    with pytest.raises(InvalidZip):
        store.add(lie)


@given(st.binary(max_size=50), st.integers(0, len(GOOD) - 1))
@example(b"\xff", 20)
@settings(max_examples=200, deadline=None)
def test_no_damage_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    store = CodeStore(tmp_path_factory.getbasetemp() / "noise")
    with suppress(StateError):  # anything else would be a fault
        store.add(GOOD[:at] + noise + GOOD[at + len(noise) :])


def test_what_a_crash_left_half_made_is_removed_and_made_anew(tmp_path: Path) -> None:
    code = CodeStore(tmp_path).add(GOOD)
    half = tmp_path / "code" / "trees" / ".half"
    (half / "sealed").mkdir(parents=True)
    (half / "sealed" / "app.py").write_text("x")
    (half / "sealed").chmod(0o555)
    (tmp_path / "code" / "archives" / ".half.zip").write_bytes(GOOD[:20])

    again = CodeStore(tmp_path)

    assert list(tmp_path.glob("code/*/.*")) == []
    assert contents(again.directory(code.sha256)) == {"app.py": "x = 1\n" * 100}


_ADD = """
import sys
from pathlib import Path
from warmstart.service.state.code import CodeStore
store = CodeStore(Path(sys.argv[1]))
print("go", flush=True)
print(store.add(Path(sys.argv[2]).read_bytes()).sha256, flush=True)
"""


@pytest.mark.parametrize("files_seen", [1, 300])
def test_code_is_whole_or_absent_after_a_kill_while_it_is_unpacked(
    tmp_path: Path, files_seen: int
) -> None:
    entries = [(f"d{number % 50}/{number}.py", f"{number}", 0o644) for number in range(1000)]
    zipped = archive(*entries)
    (tmp_path / "a.zip").write_bytes(zipped)
    data = tmp_path / "data"
    command = [sys.executable, "-c", _ADD, str(data), str(tmp_path / "a.zip")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as adding:
        while adding.poll() is None and len(list(data.glob("code/trees/*/*/*"))) < files_seen:
            pass
        adding.kill()

    store = CodeStore(data)
    for tree in data.glob("code/trees/*"):
        assert len(contents(tree)) == 1000
    code = store.add(zipped)
    assert contents(store.directory(code.sha256)) == {name: text for name, text, _ in entries}


def test_a_tree_that_is_missing_is_unpacked_again(store: CodeStore) -> None:
    code = store.add(GOOD)
    remove(store.directory(code.sha256))

    assert contents(store.directory(code.sha256)) == {"app.py": "x = 1\n" * 100}


def test_after_the_machine_went_down_trees_are_made_anew(tmp_path: Path) -> None:
    mark = tmp_path / "code" / "boot"
    store = CodeStore(tmp_path)
    if not mark.exists():
        pytest.skip("this system does not tell when it was started")
    code = store.add(GOOD)
    tree = store.directory(code.sha256)
    tree.chmod(0o755)
    (tree / "app.py").unlink()  # the directory got to the disk, its file did not

    mark.write_text("another one")

    assert contents(CodeStore(tmp_path).directory(code.sha256)) == {"app.py": "x = 1\n" * 100}


def test_a_restart_without_a_reboot_keeps_the_trees(tmp_path: Path) -> None:
    store = CodeStore(tmp_path)
    tree = store.directory(store.add(GOOD).sha256)
    before = tree.stat().st_ino

    CodeStore(tmp_path)

    assert tree.stat().st_ino == before


def test_threads_may_add_the_same_code_side_by_side(store: CodeStore) -> None:
    zipped = archive(*((f"{number}.py", "x", 0o644) for number in range(300)))
    found: list[Code] = []
    threads = [threading.Thread(target=lambda: found.append(store.add(zipped))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(contents(store.directory(found[0].sha256))) == 300


def test_of_two_layers_with_a_path_the_later_one_counts(store: CodeStore) -> None:
    first = store.add(archive(("python/a.py", "1", 0o644), ("bin/x", "1", 0o755)))
    second = store.add(archive(("python/a.py", "2", 0o644), ("python/b.py", "2", 0o644)))

    merged = store.layers([first.sha256, second.sha256])
    turned = store.layers([second.sha256, first.sha256])

    assert contents(merged) == {"python/a.py": "2", "python/b.py": "2", "bin/x": "1"}
    assert contents(turned) == {"python/a.py": "1", "python/b.py": "2", "bin/x": "1"}
    assert merged == store.layers([first.sha256, second.sha256])
    assert contents(store.directory(first.sha256)) == {"python/a.py": "1", "bin/x": "1"}
    assert stat.S_IMODE((merged / "bin" / "x").stat().st_mode) == 0o555
    assert stat.S_IMODE((merged / "bin").stat().st_mode) == 0o555


def test_layers_are_merged_without_copying(store: CodeStore) -> None:
    code = store.add(archive(("a", "1", 0o644)))

    assert (store.layers([code.sha256]) / "a").samefile(store.directory(code.sha256) / "a")


def test_layers_are_copied_where_there_are_no_hard_links(
    store: CodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))

    monkeypatch.setattr(os, "link", refuse)
    code = store.add(archive(("a", "1", 0o755), link("b", "a")))
    merged = store.layers([code.sha256])

    assert contents(merged) == {"a": "1", "b": "-> a"}
    assert stat.S_IMODE((merged / "a").stat().st_mode) == 0o555


def test_a_later_layer_may_turn_a_file_into_a_directory_and_back(store: CodeStore) -> None:
    file = store.add(archive(("a", "file", 0o644))).sha256
    folder = store.add(archive(("a/b", "in it", 0o644))).sha256

    assert contents(store.layers([file, folder])) == {"a/b": "in it"}
    assert contents(store.layers([folder, file])) == {"a": "file"}


def test_a_later_layers_files_follow_an_earlier_layers_link(store: CodeStore) -> None:
    first = store.add(archive(link("lib", "lib64"), ("lib64/x", "1", 0o644))).sha256
    second = store.add(archive(("lib/y", "2", 0o644))).sha256

    assert contents(store.layers([first, second])) == {
        "lib": "-> lib64",
        "lib64/x": "1",
        "lib64/y": "2",
    }


def test_layers_that_lead_out_of_the_directory_together_are_refused(
    store: CodeStore, tmp_path: Path
) -> None:
    outside = tmp_path / "code" / "layers" / "y"
    outside.mkdir()
    first = store.add(
        archive(link("x", "p/q/../../y"), ("p/q/f", "", 0o644), ("y/", "", 0o755))
    ).sha256
    second = store.add(archive(link("p/q", "../r"), ("r/", "", 0o755), ("x/evil", "", 0o644)))

    with pytest.raises(InvalidZip, match="leads out of"):
        store.layers([first, second.sha256])

    assert list(outside.iterdir()) == []


def test_code_that_nobody_uses_is_collected(store: CodeStore, tmp_path: Path) -> None:
    used, unused = store.add(GOOD), store.add(archive(("a/b", "1", 0o644)))
    store.layers([used.sha256, unused.sha256])

    store.collect([used.sha256])

    assert contents(store.directory(used.sha256)) == {"app.py": "x = 1\n" * 100}
    with pytest.raises(StateError, match=r"\.zip cannot be read or written: No such file"):
        store.directory(unused.sha256)
    assert list(tmp_path.glob("code/layers/*")) == []
    assert len(list(tmp_path.glob("code/*/*"))) == 2


def test_a_full_disk_leaves_nothing_half_made(small_disk: Path) -> None:
    store = CodeStore(small_disk)
    code = store.add(GOOD)

    with pytest.raises(StorageFull, match="free some space and try again"):
        store.add(archive(("big", os.urandom(3 << 20), 0o644)))

    assert len(list(small_disk.glob("code/*/*"))) == 2
    assert contents(store.directory(code.sha256)) == {"app.py": "x = 1\n" * 100}
