"""The clients that judge the service, and the code they deploy."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.cli.running import Running

RUNTIME = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::123456789012:role/r"
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
WAITING = {"Delay": 1, "MaxAttempts": 30}


def archive(**files: str) -> bytes:
    """A zip of Python modules."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            target.writestr(f"{name}.py", text)
    return buffer.getvalue()


class Aws:
    """What stands for AWS: the service under test, and moto's server for the rest."""

    def __init__(self, running: Running, others: str) -> None:
        self.running = running
        self.url = f"http://127.0.0.1:{running.port}"
        self._others = others
        self.client = cache(self._client)

    @property
    def folder(self) -> Path:
        return self.running.folder

    def _client(self, service: str) -> Any:
        own = service in ("lambda", "logs")
        return boto3.client(
            service,
            endpoint_url=self.url if own else self._others,
            region_name=REGION,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
            **CREDENTIALS,
        )

    def create(self, name: str, code: str | bytes, **settings: Any) -> dict[str, Any]:
        """Create a function and wait for it with boto3's waiter."""
        zipped = archive(app=code) if isinstance(code, str) else code
        wanted: dict[str, Any] = {
            "Runtime": RUNTIME,
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped},
            "Timeout": 20,
        }
        answer: dict[str, Any] = self.client("lambda").create_function(
            FunctionName=name, **(wanted | settings)
        )
        self.wait("function_active_v2", FunctionName=name)
        return answer

    def wait(self, waiter: str, **parameters: Any) -> None:
        self.client("lambda").get_waiter(waiter).wait(**parameters, WaiterConfig=WAITING)

    def invoke(self, name: str, event: object = None, **parameters: Any) -> Any:
        """Invoke a function; its result, or its error's members."""
        answer = self.client("lambda").invoke(
            FunctionName=name, Payload=json.dumps(event), **parameters
        )
        return json.loads(answer["Payload"].read() or "null")
