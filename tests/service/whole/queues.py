"""Queues at moto's SQS that lose nothing, whatever is killed while they are read.

    python -m tests.service.whole.queues [MESSAGES]

does it with more messages than the tests have time for: 10,000 unless told otherwise. moto
looks at all messages of a queue for each call, so they are in queues of 500.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from tests.cli.running import Running, started
from tests.service.whole.clients import Aws
from tests.service.whole.neighbours import Moto
from tests.service.whole.process import children
from tests.service.whole.recorder import Recorder, recording

WORK = """
import socket
def handler(event, context):
    failed, done = [], []
    for record in event["Records"]:
        first = record["attributes"]["ApproximateReceiveCount"] == "1"
        if record["body"].endswith("bad") or (first and record["body"].endswith("0")):
            failed.append({{"itemIdentifier": record["messageId"]}})
        else:
            done.append(record["body"])
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall("\\n".join(done).encode())
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)  # it is written down
    return {{"batchItemFailures": failed}}
"""
"""Fails each message that ends in 0 the first time, and a bad one always; tells of the others."""


class Queue:
    """A queue of moto's with a dead-letter queue. moto can lose a message that is sent while
    another thread deletes one, so all are sent before any is read.
    """

    def __init__(self, aws: Aws, bodies: Sequence[str]) -> None:
        self._sqs = aws.client("sqs")
        self._suffix = uuid.uuid4().hex[:8]
        self._dead, dead_arn = self._create("dead", {})
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 4})
        attributes = {"VisibilityTimeout": "5", "RedrivePolicy": redrive}
        self._url, self.arn = self._create("queue", attributes)
        entries = [{"Id": body, "MessageBody": body} for body in bodies]
        for start in range(0, len(entries), 10):
            self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries[start : start + 10])

    def _create(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        url: str = self._sqs.create_queue(
            QueueName=f"{name}-{self._suffix}", Attributes=attributes
        )["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def dead_letters(self) -> set[str]:
        """Some that were not told of before."""
        found = self._sqs.receive_message(QueueUrl=self._dead, MaxNumberOfMessages=10)
        return {message["Body"] for message in found.get("Messages", [])}


def lose_nothing(
    folder: Path, moto: Moto, bodies: Sequence[str], *, seconds: float, queues: int = 1
) -> tuple[set[str], set[str]]:
    """Have messages handled while environments are killed, and then the service.

    What was handled, and the dead letters, once each message is one of either.
    """
    serve = ("serve", "--aws-endpoint-url", moto.url)
    with recording() as recorder:
        with started(folder, *serve) as running:
            aws = Aws(running, moto.url)
            filled = [Queue(aws, bodies[number::queues]) for number in range(queues)]
            aws.create("work", WORK.format(port=recorder.port))
            mappings = [
                aws.client("lambda").create_event_source_mapping(
                    EventSourceArn=queue.arn,
                    FunctionName="work",
                    FunctionResponseTypes=["ReportBatchItemFailures"],
                )["UUID"]
                for queue in filled
            ]
            recorder.wait_for_some(len(bodies) // 4, seconds)
            kill_environments(running)
            recorder.wait_for_some(len(bodies) // 2, seconds)
            running.process.kill()
            running.process.wait()
        with started(folder, *serve) as running:
            dead = wait_for_the_rest(filled, set(bodies), recorder, seconds)
            lambda_ = Aws(running, moto.url).client("lambda")
            for mapping in mappings:
                assert lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
                lambda_.delete_event_source_mapping(UUID=mapping)
        return set(recorder.heard), dead


def wait_for_the_rest(
    queues: Sequence[Queue], bodies: set[str], recorder: Recorder, seconds: float
) -> set[str]:
    """Return the dead letters, once each message was handled or is one of them."""
    deadline = time.monotonic() + seconds
    dead: set[str] = set()
    while missing := bodies - recorder.heard.keys() - dead:
        assert time.monotonic() < deadline, f"{len(missing)} are nowhere: {sorted(missing)[:9]}"
        found = set().union(*(queue.dead_letters() for queue in queues))
        dead |= found
        if not found:
            time.sleep(0.2)
    return dead


def kill_environments(running: Running) -> None:
    for pid in children(running.process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def numbered(count: int) -> list[str]:
    """One in fifty is bad."""
    return [f"{number}{'-bad' if number % 50 == 1 else ''}" for number in range(count)]


def main(count: int) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it tells of each request
    bodies = numbered(count)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Moto.started() as moto:
        handled, dead = lose_nothing(
            Path(folder), moto, bodies, seconds=900, queues=max(1, count // 500)
        )
    sys.stdout.write(
        f"{count} messages: {len(handled)} handled, {len(dead)} dead letters, none lost,"
        f" in {time.monotonic() - begin:.0f} s\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
