"""`warmstart serve` reads moto's Kinesis for a function, and loses nothing to kills."""

from __future__ import annotations

import os
import signal
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.neighbours import Moto
from tests.service.whole.process import children
from tests.service.whole.recorder import recording

WORK = """
import base64, socket
def handler(event, context):
    for record in event["Records"]:
        with socket.create_connection(("127.0.0.1", {port})) as recorder:
            recorder.sendall(base64.b64decode(record["kinesis"]["data"]))
            recorder.shutdown(socket.SHUT_WR)
            recorder.recv(1)  # it is written down
"""


@pytest.mark.timeout(150)
def test_no_record_is_lost_to_kills_of_an_environment_and_of_the_service(
    tmp_path: Path, moto: Moto
) -> None:
    values = [f"record-{number:03}" for number in range(500)]
    serve = ("serve", "--aws-endpoint-url", moto.url)
    with recording() as recorder:
        with started(tmp_path, *serve) as running:
            aws = Aws(running, moto.url)
            kinesis, name = aws.client("kinesis"), f"killed-{uuid4().hex[:8]}"
            kinesis.create_stream(StreamName=name, ShardCount=2)
            described = kinesis.describe_stream(StreamName=name)["StreamDescription"]
            records = [{"Data": each.encode(), "PartitionKey": each} for each in values]
            assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0
            aws.create("work", WORK.format(port=recorder.port))
            aws.client("lambda").create_event_source_mapping(
                EventSourceArn=described["StreamARN"],
                FunctionName="work",
                StartingPosition="TRIM_HORIZON",
                BatchSize=20,
                ParallelizationFactor=2,
            )
            recorder.wait_for_some(50, seconds=40)
            for pid in islice(children(running.process.pid), 1):
                os.kill(pid, signal.SIGKILL)
            recorder.wait_for_some(200, seconds=40)
            running.process.kill()
            running.process.wait()
        with started(tmp_path, *serve):
            recorder.wait_for(set(values), seconds=60)
