"""`scripts/operations`: the page that says which of AWS's operations the service has.

The service itself is asked. Of an operation that it does not have it says so; to all
others it answers something else, if only that the request makes no sense.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from warmstart.service.api.model import service_model
from warmstart.service.platform import Platform, Settings

PAGE = Path(__file__).parents[2] / "docs" / "lambda-api.md"

_TEXT = """\
# What of Lambda's API there is

Written by `scripts/operations`, which takes the operations from AWS's own model (botocore's) and
asks the service for each. One that is not done is refused with a `NotImplementedException`.

Some are done as far as one machine can: resource-based policies are kept and shown, but whoever
may call the service may invoke; event source mappings of SQS, Kinesis, DynamoDB Streams and
self-managed Kafka are read, those of other sources are only kept; code signing configurations are
kept, but no signature is looked at; a capacity provider stands for no EC2 instances, and functions
that name one run on this machine.

## Lambda: {lambda_done} of {lambda_all}

{lambda_table}

## CloudWatch Logs: {logs_done} of {logs_all}

{logs_table}
"""


async def page() -> str:
    """The page's text."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(directory=Path(directory), endpoint=lambda: "http://service")
        async with Platform.open(settings) as platform:
            application: Any = platform
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                functions = await _table(client, "lambda", _rest)
                logs = await _table(client, "logs", _json)
    return _TEXT.format(
        lambda_done=_done(functions),
        lambda_all=len(functions),
        lambda_table=_written(functions),
        logs_done=_done(logs),
        logs_all=len(logs),
        logs_table=_written(logs),
    )


async def _table(
    client: httpx.AsyncClient, service: str, request: Callable[[Any], tuple[str, httpx.Request]]
) -> list[tuple[str, str, bool]]:
    """Each operation's name, how it is asked for, and whether it is there."""
    model = service_model(service)
    rows = []
    for name in sorted(model.operation_names):
        target, asked = request(model.operation_model(name))
        response = await client.send(asked)
        rows.append((name, target, b"is not implemented here" not in response.content))
    return rows


def _rest(operation: Any) -> tuple[str, httpx.Request]:
    method, uri = operation.http["method"], operation.http["requestUri"]
    path = re.sub(r"\{\w+\+?\}", "x", uri)
    request = httpx.Request(method, f"http://service{path}", content=b"{}")
    return f"{method} {uri}", request


def _json(operation: Any) -> tuple[str, httpx.Request]:
    target = f"{operation.service_model.metadata['targetPrefix']}.{operation.name}"
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = httpx.Request("POST", "http://service/", headers=headers, content=b"{}")
    return target, request


def _done(rows: list[tuple[str, str, bool]]) -> int:
    return sum(done for _, _, done in rows)


def _written(rows: list[tuple[str, str, bool]]) -> str:
    lines = ["| operation | request | |", "|---|---|---|"]
    for name, target, done in rows:
        lines.append(f"| {name} | `{target}` | {'done' if done else 'not done'} |")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(page()))
