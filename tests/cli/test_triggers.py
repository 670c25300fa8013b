"""`warmstart dev` woken by more than HTTP, as a person sees it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.chain.serving import request
from tests.cli.running import started
from warmstart.cli.commands import warmstart

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "woken_app.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path / "main.py")
    return tmp_path


def test_an_upload_wakes_the_app_which_reads_it(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--bucket", "uploads") as running:
        running.wait_for(re.compile("woken by files in uploads"))
        (folder / "uploads" / "a b.txt").write_text("one two three")
        running.wait_for(re.compile(r"  \| a b\.txt has 3 words"))
        running.wait_for(re.compile(r"EVENT  ObjectCreated:Put uploads/a b\.txt +done +\d"))
        assert request(running.port, "GET", "/uploads").body == b'["a b.txt"]'
        (folder / "uploads" / "a b.txt").unlink()
        running.wait_for(re.compile(r"  \| a b\.txt is gone"))

        assert running.interrupt() == 0
        assert "Traceback" not in running.printed


def test_an_event_that_fails_is_told(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--bucket", "uploads") as running:
        (folder / "uploads" / "image").write_bytes(b"\xff")
        running.wait_for(re.compile(r"EVENT  ObjectCreated:Put uploads/image +failed +\d"))


def test_a_schedule_is_taken(folder: Path) -> None:
    with started(folder, "dev", "main:handler", "--every", "rate(5 minutes)") as running:
        running.wait_for(re.compile(r"woken by rate\(5 minutes\)"))
        assert running.interrupt() == 0
        assert "Traceback" not in running.printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--every", "rate(1 minutes)"], "in the plural for any number but 1"),
        (["--bucket", "a/up", "--bucket", "b/up"], "the same name"),
    ],
)
def test_what_cannot_be_is_told(arguments: list[str], reason: str) -> None:
    result = CliRunner().invoke(warmstart, ["dev", "main:app", *arguments])

    assert result.exit_code == 2
    assert reason in result.output
