"""`warmstart serve` with a file of triggers, over a kill."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from click.testing import CliRunner

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.process import children
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
SCHEDULE = """
[functions.work.events.once]
Type = "ScheduleV2"
ScheduleExpression = "rate(1 days)"
Input = '{"id": "scheduled"}'
"""
UPLOADS = """
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
        (tmp_path / "warmstart.toml").write_text(SCHEDULE + UPLOADS)
        with started(tmp_path, "serve") as running:
            (tmp_path / "files" / "first.txt").write_text("1")
            recorder.wait_for({"scheduled", "first.txt"}, seconds=30)
            running.process.kill()
            running.process.wait()
        (tmp_path / "files" / "meanwhile.txt").write_text("2")
        with started(tmp_path, "serve"):
            recorder.wait_for({"meanwhile.txt"}, seconds=30)


def test_no_upload_is_lost_over_kills_of_environments_and_of_the_service(tmp_path: Path) -> None:
    keys = [f"{number}.txt" for number in range(2000)]
    serve = ("serve", "--time-scale", "0.01")
    with recording() as recorder:
        with started(tmp_path, *serve) as running:
            aws = Aws(running, "")
            aws.create("work", WORK.format(port=recorder.port))
            aws.client("lambda").put_function_concurrency(
                FunctionName="work", ReservedConcurrentExecutions=4
            )
            assert running.interrupt() == 0
        (tmp_path / "warmstart.toml").write_text(UPLOADS)
        for start in range(0, 2000, 500):
            some = keys[start : start + 500]
            with started(tmp_path, *serve) as running:
                upload(tmp_path, some[:400])
                recorder.wait_for({some[0]}, seconds=30)
                environments = children(running.process.pid)
                assert environments
                for environment in environments:
                    os.kill(environment, signal.SIGKILL)
                recorder.wait_for({some[200]}, seconds=60)
                running.process.kill()
                running.process.wait()
            upload(tmp_path, some[400:])
        with started(tmp_path, *serve):
            recorder.wait_for(set(keys), seconds=100)


def upload(folder: Path, keys: list[str]) -> None:
    for key in keys:
        (folder / "files" / key).write_text("content")


def test_a_file_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    path = tmp_path / "triggers.toml"
    path.write_text("[function.work]")
    result = CliRunner().invoke(warmstart, ["serve", "--triggers", str(path)])

    assert result.exit_code == 2
    assert "triggers.toml: the file has no 'function'" in " ".join(result.output.split())
