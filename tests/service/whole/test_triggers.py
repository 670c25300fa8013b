"""`warmstart serve` with a file of triggers, over a kill."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.recorder import recording
from warmstart.cli.commands import warmstart

WORK = """
import socket
def handler(event, context):
    told = event["id"] if "id" in event else event["Records"][0]["s3"]["object"]["key"]
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall(told.encode())
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)  # it is written down
"""
TRIGGERS = """
[functions.work.events.once]
Type = "ScheduleV2"
ScheduleExpression = "rate(1 days)"
Input = '{"id": "scheduled"}'

[functions.work.events.uploaded]
Type = "S3"
Bucket = "uploads"

[buckets]
uploads = "files"
"""


def test_schedules_and_uploads_wake_functions_over_a_kill(tmp_path: Path) -> None:
    with recording() as recorder:
        with started(tmp_path, "serve") as running:
            Aws(running, "").create("work", WORK.format(port=recorder.port))
            assert running.interrupt() == 0
        (tmp_path / "warmstart.toml").write_text(TRIGGERS)
        with started(tmp_path, "serve") as running:
            (tmp_path / "files" / "first.txt").write_text("1")
            recorder.wait_for({"scheduled", "first.txt"}, seconds=30)
            running.process.kill()
            running.process.wait()
        (tmp_path / "files" / "meanwhile.txt").write_text("2")
        with started(tmp_path, "serve"):
            recorder.wait_for({"meanwhile.txt"}, seconds=30)


def test_a_file_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    path = tmp_path / "triggers.toml"
    path.write_text("[function.work]")
    result = CliRunner().invoke(warmstart, ["serve", "--triggers", str(path)])

    assert result.exit_code == 2
    assert "triggers.toml: the file has no 'function'" in " ".join(result.output.split())
