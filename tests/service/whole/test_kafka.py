"""`warmstart serve` reads a topic for a function, and loses nothing to a `kill -9`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.recorder import recording
from tests.triggers.kafka.broker import Cluster

WORK = """
import base64, socket
def handler(event, context):
    for records in event["records"].values():
        for record in records:
            with socket.create_connection(("127.0.0.1", {port})) as recorder:
                recorder.sendall(base64.b64decode(record["value"]))
                recorder.shutdown(socket.SHUT_WR)
                recorder.recv(1)  # it is written down
"""


@pytest.mark.timeout(120)
def test_no_message_is_lost_to_a_kill(tmp_path: Path) -> None:
    values = {f"message-{number}" for number in range(300)}
    with Cluster.started() as cluster, recording() as recorder:
        for partition in range(3):
            cluster.write("orders", *sorted(values)[partition::3], partition=partition)
        with started(tmp_path, "serve") as running:
            aws = Aws(running, "")
            aws.create("work", WORK.format(port=recorder.port))
            aws.client("lambda").create_event_source_mapping(
                FunctionName="work",
                SelfManagedEventSource={
                    "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [cluster.servers]}
                },
                Topics=["orders"],
                StartingPosition="TRIM_HORIZON",
                BatchSize=10,
            )
            recorder.wait_for(set(islice(sorted(values), 1)), seconds=40)
            running.process.kill()
            running.process.wait()
        with started(tmp_path, "serve"):
            recorder.wait_for(values, seconds=60)
