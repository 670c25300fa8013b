"""Directories in the place of others, in processes that have mounts of their own."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.measured import said_by

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Mount namespaces are Linux's.")

PROGRAM = """
import json, os, sys, threading
from warmstart.runtime.mounts import own_temporary

view, threads = map(json.loads, sys.argv[1:])
done = threading.Event()
started = [threading.Thread(target=done.wait) for _ in range(threads)]
for each in started:
    each.start()
before = os.getuid(), os.getgid()
try:
    own_temporary(**view)
except OSError as error:
    print(json.dumps({"errno": error.errno, "where": error.filename}))
else:
    with open(os.path.join(view["target"], "written"), "w") as file:
        file.write("by the copy")
    answer = {
        "found": {path: sorted(os.listdir(path)) for path in (view["target"], *view["kept"])},
        "same user": before == (os.getuid(), os.getgid()),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }
    print(json.dumps(answer))
done.set()
"""


@pytest.fixture(params=[False, True], ids=["root", "user"])
def as_user(request: pytest.FixtureRequest) -> bool:
    """Each way in which the system lets us."""
    by_user: bool = request.param
    program = shutil.which("unshare")
    if program is None:
        pytest.skip("There is no `unshare` to find out whether namespaces can be made.")
    namespaces = ["--user", "--map-root-user", "--mount"] if by_user else ["--mount"]
    command = [program, *namespaces, "true"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"The system does not let us make a namespace: {tried.stderr.strip()}")
    return by_user


def entered(view: dict[str, Any], threads: int = 0) -> dict[str, Any]:
    """What a process says that has entered the view, or could not.

    Root's starts with mounts that are no longer shared, as a copy's template does: else all would
    see what it mounts. A user namespace's never are.
    """
    by = () if view["as_user"] else ("unshare", "--mount", "--propagation", "private")
    (answer,) = said_by(PROGRAM, json.dumps(view), json.dumps(threads), by=by)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def view(tmp_path: Path, as_user: bool) -> dict[str, Any]:
    """A target that has something in it, and a source below it, as a copy's is."""
    target = tmp_path / "target"
    source = target / "copies" / "1"
    source.mkdir(parents=True)
    (target / "of-init").touch()
    (source / "of-copy").touch()
    return {"source": str(source), "target": str(target), "kept": [], "as_user": as_user}


def test_the_target_is_the_source_for_the_process_and_for_no_other(view: dict[str, Any]) -> None:
    target, source = Path(view["target"]), Path(view["source"])
    answer = entered(view)

    assert answer["found"] == {str(target): ["of-copy", "written"]}
    assert answer["same user"]
    assert {each.name for each in target.iterdir()} == {"copies", "of-init"}
    assert (source / "written").read_text() == "by the copy"


def test_what_is_kept_stays_where_it_is_and_leaves_no_descriptor(view: dict[str, Any]) -> None:
    target = Path(view["target"])
    kept = [target / "code", target / "layers" / "1"]
    for each in kept:
        each.mkdir(parents=True)
        (each / f"{each.name}.py").touch()
    without = entered(view)
    answer = entered(view | {"kept": [str(each) for each in kept]})

    assert answer["found"] == {
        str(target): ["code", "layers", "of-copy", "written"],
        str(kept[0]): ["code.py"],
        str(kept[1]): ["1.py"],
    }
    assert answer["descriptors"] == without["descriptors"]


@pytest.mark.parametrize("missing", ["target", "source"])
def test_a_directory_that_is_not_there_is_an_error_that_says_where(
    view: dict[str, Any], missing: str
) -> None:
    view[missing] += "/missing"
    assert entered(view) == {"errno": errno.ENOENT, "where": view["target"]}


def test_a_process_with_several_threads_gets_no_user_namespace(tmp_path: Path) -> None:
    # https://man7.org/linux/man-pages/man2/unshare.2.html: EINVAL. Where they are forbidden to
    # all it is another error, of the same call.
    view = {"source": str(tmp_path), "target": str(tmp_path), "kept": [], "as_user": True}
    assert entered(view, threads=1)["where"] == "unshare"
