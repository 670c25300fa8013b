"""What may import what, and at what cost: the promises of the rooms to each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import warmstart
from tests.adapter import samples
from tests.frameworks.doors import DOORS
from warmstart.events.http import HTTPRequest

ROOT = Path(__file__).parent.parent

IMPORT_ROOM = """
import importlib, pkgutil
room = importlib.import_module("warmstart.{room}")
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
"""

SERVE = """
import json
from warmstart import ASGIHandler

async def app(scope, receive, send):
    assert scope["type"] == "http"
    request = await receive()
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": request["body"]})

handler = ASGIHandler(app)
handler.on("sqs", each="record")(lambda record, context: None)
print(json.dumps([handler(event, None) for event in json.load(sys.stdin)]))
"""

LOADED_BY = """
import json
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def run_bare(code: str, given: str = "") -> str:
    """Run `code` in a Python that has the standard library and warmstart, and nothing else."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    return set(json.loads(run_bare(LOADED_BY.format(statement=statement))))


@pytest.mark.parametrize("room", ["events", "adapter", "runtime"])
def test_what_is_shipped_into_a_function_needs_the_standard_library_alone(room: str) -> None:
    run_bare(IMPORT_ROOM.format(room=room))


@pytest.mark.parametrize("size", [100, 100_000])  # from 64 KB on, base64 would be pybase64's
def test_every_event_is_served_by_the_standard_library_alone(size: int) -> None:
    body = b"\x80" * size
    doors = {door.name: door for door in DOORS if size == 100 or door.name != "edge-viewer"}
    events = [door.build(HTTPRequest("POST", "/", b"/", body=body)) for door in doors.values()]
    bare = json.loads(run_bare(SERVE, json.dumps([*events, samples.sqs("a")])))

    assert bare.pop() == {"batchItemFailures": []}
    for door, answer in zip(doors.values(), bare, strict=True):
        assert door.decode(answer).status == 201, door.name
        assert door.decode(answer).body == body, door.name


def test_importing_warmstart_loads_nothing_else() -> None:
    assert loaded_by("import warmstart") == {"warmstart"}


def test_the_adapter_is_loaded_when_asked_for() -> None:
    loaded = loaded_by("from warmstart import ASGIHandler")

    assert "warmstart.adapter" in loaded
    assert not loaded & {"asyncio", "dataclasses", "http.client", "inspect", "logging", "typing"}


def test_asyncio_is_loaded_when_a_handler_is_made() -> None:
    make = "from warmstart import ASGIHandler\nASGIHandler(print)"
    loaded = loaded_by(make)

    assert "asyncio" in loaded
    theirs = {name for name in loaded - loaded_by("import asyncio") if "warmstart" not in name}
    assert theirs <= {"__future__"}


def test_the_runtime_loads_neither_asyncio_nor_http_client() -> None:
    loaded = loaded_by("import warmstart.runtime, warmstart.runtime.__main__")

    assert not loaded & {"asyncio", "http.client", "warmstart.adapter"}


def test_every_public_name_is_there() -> None:
    assert all(getattr(warmstart, name) for name in warmstart.__all__)
    with pytest.raises(AttributeError, match="module 'warmstart' has no attribute 'nothing'"):
        warmstart.nothing  # noqa: B018


def test_the_rooms_import_in_the_right_directions() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_changelog_has_this_version() -> None:
    assert f"## {warmstart.__version__} " in (ROOT / "CHANGELOG.md").read_text()
