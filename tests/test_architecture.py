"""What may import what, and at what cost: the promises of the rooms to each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import warmstart

ROOT = Path(__file__).parent.parent

IMPORT_ROOM = """
import importlib, pkgutil
room = importlib.import_module("warmstart.{room}")
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
"""

LOADED_BY = """
import json
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def run_bare(code: str) -> str:
    """Run `code` in a Python that has the standard library and warmstart, and nothing else."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    return set(json.loads(run_bare(LOADED_BY.format(statement=statement))))


@pytest.mark.parametrize("room", ["events", "adapter", "runtime"])
def test_what_is_shipped_into_a_function_needs_the_standard_library_alone(room: str) -> None:
    run_bare(IMPORT_ROOM.format(room=room))


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
