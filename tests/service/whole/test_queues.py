"""`warmstart serve` reads moto's SQS for a function, by a mapping that boto3 made."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.neighbours import Moto
from tests.service.whole.recorder import recording

WORK = """
import socket
def handler(event, context):
    failed = []
    for record in event["Records"]:
        first = record["attributes"]["ApproximateReceiveCount"] == "1"
        if first and record["body"].endswith("0"):
            failed.append({{"itemIdentifier": record["messageId"]}})
            continue
        with socket.create_connection(("127.0.0.1", {port})) as recorder:
            recorder.sendall(record["body"].encode())
            recorder.shutdown(socket.SHUT_WR)
            recorder.recv(1)  # it is written down
    return {{"batchItemFailures": failed}}
"""
"""Fails one message in ten the first time, and tells the recorder of the others."""


def test_no_message_is_lost_over_failures_and_a_kill(tmp_path: Path, moto: Moto) -> None:
    bodies = {f"message-{number}" for number in range(400)}
    serve = ("serve", "--aws-endpoint-url", moto.url)
    with recording() as recorder:
        with started(tmp_path, *serve) as running:
            aws = Aws(running, moto.url)
            queue, arn = create_queue(aws)
            aws.create("work", WORK.format(port=recorder.port))
            mapping = aws.client("lambda").create_event_source_mapping(
                EventSourceArn=arn,
                FunctionName="work",
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )
            send(aws, queue, bodies)
            recorder.wait_for(set(islice((b for b in bodies if b[-1] != "0"), 1)), seconds=30)
            running.process.kill()
            running.process.wait()
        with started(tmp_path, *serve) as running:
            aws = Aws(running, moto.url)
            recorder.wait_for(bodies, seconds=50)
            lambda_ = aws.client("lambda")
            assert lambda_.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Enabled"
            lambda_.delete_event_source_mapping(UUID=mapping["UUID"])


def create_queue(aws: Aws) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName="orders", Attributes={"VisibilityTimeout": "3"})[
        "QueueUrl"
    ]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = found["Attributes"]["QueueArn"]
    return url, arn


def send(aws: Aws, queue: str, bodies: set[str]) -> None:
    left: list[Any] = [{"Id": body, "MessageBody": body} for body in bodies]
    while left:
        aws.client("sqs").send_message_batch(QueueUrl=queue, Entries=left[:10])
        del left[:10]
