"""Queues at ministack's SQS that lose nothing, whatever is killed while they are read.

    python -m tests.service.whole.queues [MESSAGES] [KILLS]

does it with more messages than the tests have time for: 10,000 unless told otherwise, with
four kills.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.running import Running, started
from tests.service.whole.clients import Aws
from tests.service.whole.ministack import Ministack
from tests.service.whole.process import children
from tests.service.whole.recorder import Recorder, recording

WORK = """
import socket
def handler(event, context):
    failed, done, waiting = [], [], set()
    for record in event["Records"]:
        group = record["attributes"].get("MessageGroupId", record["messageId"])
        first = record["attributes"]["ApproximateReceiveCount"] == "1"
        body = record["body"]
        if group in waiting or body.endswith("bad") or (first and body.endswith("0")):
            failed.append({{"itemIdentifier": record["messageId"]}})
            waiting.add(group)
        else:
            done.append(body)
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall("\\n".join(done).encode())
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)  # it is written down
    return {{"batchItemFailures": failed}}
"""
"""Fails each message that ends in 0 the first time, and a bad one always; tells of the others.

In a FIFO queue also what follows in a group, as AWS wants:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""


class Queue:
    """A queue with messages in it, and its dead-letter queue."""

    def __init__(
        self, aws: Aws, bodies: Sequence[str], *, receives: int = 4, visibility: int = 5
    ) -> None:
        self._sqs = aws.client("sqs")
        self._visibility = str(visibility)  # in seconds
        self._dead, dead_arn = self._create("dead", {})
        redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": receives})
        self._url, self.arn = self._create("queue", {"RedrivePolicy": redrive})
        entries = [self._entry(body) for body in bodies]
        for start in range(0, len(entries), 10):
            self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries[start : start + 10])

    def _entry(self, body: str) -> dict[str, str]:
        return {"Id": body, "MessageBody": body}

    def _create(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        url: str = self._sqs.create_queue(
            QueueName=name, Attributes=attributes | {"VisibilityTimeout": self._visibility}
        )["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    def dead_letters(self) -> set[str]:
        """Some that were not told of before."""
        found = self._sqs.receive_message(
            QueueUrl=self._dead, MaxNumberOfMessages=10, VisibilityTimeout=3600
        )
        return {message["Body"] for message in found.get("Messages", [])}


class FifoQueue(Queue):
    """One of groups: a message's is what its body has before a dash."""

    def _entry(self, body: str) -> dict[str, str]:
        group, _, _ = body.partition("-")
        return super()._entry(body) | {"MessageGroupId": group, "MessageDeduplicationId": body}

    def _create(self, name: str, attributes: dict[str, str]) -> tuple[str, str]:
        return super()._create(f"{name}.fifo", attributes | {"FifoQueue": "true"})


@dataclass(frozen=True)
class Outcome:
    """What was handled, in the order of the first times, and the dead letters."""

    handled: list[str]
    dead: set[str]
    environments_killed: int


def handle_over_kills(
    folder: Path,
    kind: type[Queue],
    bodies: Sequence[str],
    *,
    seconds: float,
    kills: int = 1,
    **options: int,
) -> Outcome:
    """Have messages handled while environments are killed, and then the service, so many times.

    Returns once each message was handled or is a dead letter.
    """
    killed = 0
    with Ministack.started() as server, recording() as recorder:
        serve = ("serve", "--aws-endpoint-url", server.url)
        with started(folder, *serve) as running:
            aws = Aws(running, server.url)
            queue = kind(aws, bodies, **options)
            aws.create("work", WORK.format(port=recorder.port))
            mapping = aws.client("lambda").create_event_source_mapping(
                EventSourceArn=queue.arn,
                FunctionName="work",
                FunctionResponseTypes=["ReportBatchItemFailures"],
            )["UUID"]
        part = len(bodies) // (2 * kills + 2)
        for number in range(kills):
            with started(folder, *serve) as running:
                recorder.wait_for_some((2 * number + 1) * part, seconds)
                killed += kill_environments(running)
                recorder.wait_for_some((2 * number + 2) * part, seconds)
                running.process.kill()
                running.process.wait()
        with started(folder, *serve) as running:
            dead = wait_for_the_rest(queue, set(bodies), recorder, seconds)
            lambda_ = Aws(running, server.url).client("lambda")
            assert lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled"
    return Outcome(list(recorder.heard), dead, killed)


def wait_for_the_rest(
    queue: Queue, bodies: set[str], recorder: Recorder, seconds: float
) -> set[str]:
    """Return the dead letters, once each message was handled or is one of them."""
    deadline = time.monotonic() + seconds
    dead: set[str] = set()
    while missing := bodies - recorder.heard.keys() - dead:
        assert time.monotonic() < deadline, f"{len(missing)} are nowhere: {sorted(missing)[:9]}"
        found = queue.dead_letters()
        dead |= found
        if not found:
            time.sleep(0.2)
    return dead


def kill_environments(running: Running) -> int:
    """How many there were."""
    killed = 0
    for pid in children(running.process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
    return killed


def numbered(count: int) -> list[str]:
    """One in fifty is bad."""
    return [f"{number}{'-bad' if number % 50 == 1 else ''}" for number in range(count)]


def grouped(count: int, groups: int) -> list[str]:
    """None is bad."""
    return [f"{number % groups}-{number // groups}" for number in range(count)]


def main(count: int, kills: int) -> None:
    bodies = numbered(count)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = handle_over_kills(Path(folder), Queue, bodies, seconds=600, kills=kills)
    sys.stdout.write(
        f"{count} messages: {len(outcome.handled)} handled, {len(outcome.dead)} dead letters, none"
        f" lost over {kills} kills of the service and {outcome.environments_killed} of"
        f" environments, in {time.monotonic() - begin:.0f} s\n"
    )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [10_000, 4][len(given) :]))
