"""A server of SeaweedFS: S3 by people who have nothing to do with us, and a filer that posts."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["Seaweed", "free_ports"]

WEED = Path(sys.executable).with_name("weed")
PORTS = (
    "filer.port",
    "filer.port.grpc",
    "master.port",
    "master.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "volume.port",
    "volume.port.grpc",
)
NOTIFICATION = """
[notification.webhook]
enabled = true
endpoint = "{url}"
bearer_token = "{token}"
path_prefixes = ["/buckets/"]
"""


@dataclass(frozen=True)
class Seaweed:
    url: str

    @classmethod
    @contextmanager
    def started(cls, folder: Path, webhook: str, token: str) -> Iterator[Seaweed]:
        """Run a server in a folder, whose filer posts to a webhook."""
        (folder / "notification.toml").write_text(NOTIFICATION.format(url=webhook, token=token))
        (folder / "data").mkdir()
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        with (folder / "weed.txt").open("w") as output:
            process = subprocess.Popen(
                [
                    WEED,
                    "server",
                    f"-dir={folder / 'data'}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    "-filer",
                    "-s3",
                    "-s3.iam=false",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    "-master.telemetry=false",
                    "-master.volumeSizeLimitMB=64",
                    "-volume.max=200",  # each bucket takes some
                    *(f"-{name}={port}" for name, port in ports.items()),
                ],
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            server = cls(f"http://127.0.0.1:{ports['s3.port']}")
            server._wait(process, folder)
            yield server
        finally:
            process.kill()  # it takes its time to end by itself, and nothing of it is kept
            process.wait()

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                retries={"total_max_attempts": 3}, connect_timeout=5, max_pool_connections=20
            ),
        )

    def _wait(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        """Return when an object can be stored."""
        deadline = time.monotonic() + 60
        client = self.client()
        while True:
            try:
                client.create_bucket(Bucket="first")
                client.put_object(Bucket="first", Key="first", Body=b"content")
            except (BotoCoreError, ClientError):
                printed = (folder / "weed.txt").read_text()
                assert process.poll() is None, printed
                assert time.monotonic() < deadline, printed
                time.sleep(0.1)
            else:
                return


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at."""
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in listeners]
