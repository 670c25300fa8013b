"""How soon functions are woken, through all of `warmstart serve`: `python -m benchmarks.triggers`.

A function sends a datagram for each record of its event; what is told is the time from a
file being written, an object being put, or a message being sent, to its arrival. moto's
server is the queue and SeaweedFS the bucket, in processes of their own: their own time for
a message, or an object, is in the figures.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import conditions, table
from tests.cli.running import Running, started
from tests.service.whole.clients import REGION, Aws
from tests.service.whole.seaweed import Seaweed, free_ports
from warmstart.triggers.push.door import PUSH

TELLS = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def handler(event, context):
    for record in event["Records"]:
        sender.sendto(record["eventSource"].encode(), ("127.0.0.1", {port}))
"""
TRIGGERS = """
[functions.work.events.uploads]
Type = "S3"
Bucket = "uploads"

[functions.work.events.objects]
Type = "S3"
Bucket = "objects"

[buckets]
uploads = "files"
objects = "{seaweed}"
"""
BURST = 200


def main(count: int) -> str:
    """The report as Markdown."""
    with (
        tempfile.TemporaryDirectory() as name,
        _queue_server() as queues,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard,
        ExitStack() as stack,
    ):
        folder = Path(name)
        (port,) = free_ports(1)
        webhook = f"http://127.0.0.1:{port}{PUSH}s3"
        seaweed = stack.enter_context(Seaweed.started(folder, webhook, "unused"))
        storage = seaweed.client()
        storage.create_bucket(Bucket="objects")
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(30)
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        (folder / "warmstart.toml").write_text(TRIGGERS.format(seaweed=seaweed.url))
        serve = ("serve", "--aws-endpoint-url", queues)
        with started(folder, *serve, port=port) as running:
            aws = Aws(running, queues)
            aws.create("work", TELLS.format(port=heard.getsockname()[1]))
            rows = [
                _row("file in a folder", _uploads(folder / "files"), heard, count),
                _row("object in SeaweedFS", _objects(storage), heard, count),
                _row("message in moto's SQS", _messages(aws), heard, count),
                _idle_row("nothing happens", running),
            ]
        (folder / "warmstart.toml").write_text(_many(aws))
        with started(folder, *serve) as running:
            rows.append(_idle_row("nothing happens, with 50 triggers", running))
    headings = ["what wakes the function", "p50, ms", f"{BURST} at once, s"]
    return f"{conditions()}; {count} each, one after the other.\n\n{table(headings, rows)}"


def _row(name: str, happen: Callable[[int], None], heard: socket.socket, count: int) -> list[str]:
    happen(1)  # a cold start, which is measured elsewhere
    heard.recv(100)
    times = []
    for _ in range(count):
        time.sleep(0.05)  # nothing of the last one is left
        begin = time.perf_counter()
        happen(1)
        heard.recv(100)
        times.append(1000 * (time.perf_counter() - begin))
    begin = time.perf_counter()
    happen(BURST)
    for _ in range(BURST):
        heard.recv(100)
    return [name, f"{statistics.median(times):.1f}", f"{time.perf_counter() - begin:.2f}"]


def _uploads(folder: Path) -> Callable[[int], None]:
    numbers = iter(range(sys.maxsize))

    def write(count: int) -> None:
        for _ in range(count):
            (folder / f"{next(numbers)}.txt").write_text("content")

    return write


def _messages(aws: Aws) -> Callable[[int], None]:
    sqs: Any = aws.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    aws.client("lambda").create_event_source_mapping(
        EventSourceArn=found["Attributes"]["QueueArn"], FunctionName="work"
    )

    def send(count: int) -> None:
        entries = [{"Id": str(number), "MessageBody": "content"} for number in range(count)]
        for start in range(0, count, 10):
            sqs.send_message_batch(QueueUrl=url, Entries=entries[start : start + 10])

    return send


def _objects(storage: Any) -> Callable[[int], None]:
    numbers = iter(range(sys.maxsize))

    def put(count: int) -> None:
        for _ in range(count):
            storage.put_object(Bucket="objects", Key=f"{next(numbers)}.txt", Body=b"content")

    return put


def _many(aws: Aws) -> str:
    """A file of 30 schedules, 10 folders and 10 buckets that notify queues."""
    lines, places = [], []
    for number in range(30):
        lines.append(f"[functions.work.events.schedule{number}]")
        lines += ['Type = "ScheduleV2"', f'ScheduleExpression = "cron(0 3 {number + 1} 1 ? *)"']
    for number in range(20):
        lines.append(f"[functions.work.events.bucket{number}]")
        lines += ['Type = "S3"', f'Bucket = "bucket{number}"']
        place = f"folder{number}"
        if number >= 10:
            aws.client("sqs").create_queue(QueueName=place)
            place = f"arn:aws:sqs:{REGION}:123456789012:{place}"
        places.append(f'bucket{number} = "{place}"')
    return "\n".join([*lines, "[buckets]", *places])


def _idle_row(name: str, running: Running) -> list[str]:
    return [name, f"{100 * _idle(running.process.pid):.2f} % of a core", ""]


def _idle(pid: int) -> float:
    """The part of a core that the service uses when nothing happens."""

    def used() -> float:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    time.sleep(1)
    before, seconds = used(), 20  # a long poll's, so that there is one of each queue
    time.sleep(seconds)
    return (used() - before) / seconds


@contextmanager
def _queue_server() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = "import sys; from moto.server import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError("moto's server did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    print(main(parser.parse_args().count))
