"""A bucket of SeaweedFS, which is filled with boto3, and `warmstart serve`, which it wakes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Running, started
from tests.service.whole.clients import Aws
from tests.service.whole.process import children
from tests.service.whole.recorder import Recorder, recording
from tests.service.whole.seaweed import Seaweed, free_ports
from warmstart.triggers.buckets.stored import Told

TOKEN = "the-servers-own"
HEARS = """
import json, socket
from urllib.parse import unquote_plus
def tell(text):
    with socket.create_connection(("127.0.0.1", {port})) as recorder:
        recorder.sendall(text.encode())
        recorder.shutdown(socket.SHUT_WR)
        recorder.recv(1)  # it is written down
def handler(event, context):
    for record in event["Records"]:
        tell(f"{{record['eventName']}} {{unquote_plus(record['s3']['object']['key'])}}")
"""
READS = (
    HEARS
    + """
import boto3
s3 = boto3.client("s3", endpoint_url="{url}")
seen = handler
def handler(event, context):
    seen(event, context)
    told = event["Records"][0]["s3"]
    if "size" in told["object"]:
        key = unquote_plus(told["object"]["key"])
        found = s3.get_object(Bucket=told["bucket"]["name"], Key=key)
        content = found["Body"].read()
        assert found["ETag"].strip('"') == told["object"]["eTag"]
        assert len(content) == told["object"]["size"]
        tell(f"{{key}}: {{content[:20].decode()}}")
"""
)
TRIGGERS = """
[functions.work.events.stored]
Type = "S3"
Bucket = "{bucket}"
Events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]

[buckets]
{bucket} = "{url}"

[push]
Token = "{token}"
"""


class Chain:
    """SeaweedFS, and the service at a port that it knows."""

    def __init__(self, folder: Path, port: int, server: Seaweed) -> None:
        self.folder = folder
        self.server = server
        self.s3 = server.client()
        self._port = port

    def serve(self) -> AbstractContextManager[Running]:
        options = ("serve", "--time-scale", "0.01")
        return started(self.folder, *options, port=self._port)

    def prepare(self, folder: Path, bucket: str, code: str, recorder: Recorder) -> None:
        """Make the function, in a folder of its own, and a bucket that the service has listed."""
        self.folder = folder
        with self.serve() as running:
            aws = Aws(running, "")
            aws.create("work", code.format(port=recorder.port, url=self.server.url))
            aws.client("lambda").put_function_concurrency(
                FunctionName="work", ReservedConcurrentExecutions=4
            )
            assert running.interrupt() == 0
        self.s3.create_bucket(Bucket=bucket)
        text = TRIGGERS.format(bucket=bucket, url=self.server.url, token=TOKEN)
        (folder / "warmstart.toml").write_text(text)
        with self.serve(), closing(Told(folder / ".warmstart" / "servers.sqlite")) as told:
            while not told.knows_bucket(bucket):
                time.sleep(0.05)

    def upload(self, bucket: str, keys: list[str]) -> None:
        def put(key: str) -> None:
            self.s3.put_object(Bucket=bucket, Key=key, Body=b"content")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(put, keys))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("seaweed")
    (port,) = free_ports(1)
    with Seaweed.started(folder, f"http://127.0.0.1:{port}/_warmstart/push/s3", TOKEN) as server:
        yield Chain(folder, port, server)


def test_an_upload_wakes_a_function_which_reads_it_back(chain: Chain, tmp_path: Path) -> None:
    with recording() as recorder:
        chain.prepare(tmp_path, "story", READS, recorder)
        with chain.serve():
            chain.s3.put_object(Bucket="story", Key="in/my file ü.txt", Body=b"content")
            recorder.wait_for(
                {"ObjectCreated:Put in/my file ü.txt", "in/my file ü.txt: content"}, seconds=30
            )
            put_in_parts(chain.s3, "story", "large")
            recorder.wait_for(
                {"ObjectCreated:CompleteMultipartUpload large", f"large: {'x' * 20}"}, seconds=30
            )
            chain.s3.put_object_tagging(
                Bucket="story", Key="large", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
            )
            chain.s3.delete_object(Bucket="story", Key="in/my file ü.txt")
            recorder.wait_for({"ObjectRemoved:Delete in/my file ü.txt"}, seconds=30)
    assert recorder.heard["ObjectCreated:CompleteMultipartUpload large"] == 1
    assert not any(".uploads" in told for told in recorder.heard)


def put_in_parts(s3: Any, bucket: str, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    parts = []
    for number in (1, 2):
        answer = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=b"x" * (5 << 20)
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )


def test_no_upload_is_lost_over_kills(chain: Chain, tmp_path: Path) -> None:
    """2,000 uploads, some of them while no service is there to be told."""
    keys = [f"{number}.txt" for number in range(2000)]
    with recording() as recorder:
        chain.prepare(tmp_path, "killed", HEARS, recorder)
        for start in range(0, 2000, 500):
            some = keys[start : start + 500]
            with chain.serve() as running:
                chain.upload("killed", some[:400])
                recorder.wait_for({f"ObjectCreated:Put {some[0]}"}, seconds=60)
                for environment in children(running.process.pid):
                    os.kill(environment, signal.SIGKILL)
                running.process.kill()
                running.process.wait()
            chain.upload("killed", some[400:450])
            chain.s3.delete_object(Bucket="killed", Key=some[400])
            chain.upload("killed", some[450:])
        with chain.serve():
            kept = {f"ObjectCreated:Put {key}" for key in keys if int(key[:-4]) % 500 != 400}
            recorder.wait_for(kept, seconds=100)
