"""Queues of SQS that wake the app of `warmstart dev`, by their URLs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click

from warmstart.cli.console import Console
from warmstart.invoke import Invoker, InvokeResult, InvokeStream
from warmstart.service.invocation import new_request_id
from warmstart.triggers.pollers import Pollers
from warmstart.triggers.queues.kind import queue_pollers

__all__ = ["Queue", "queue_of_url", "reading_in_dev"]


@dataclass(frozen=True, slots=True)
class Queue:
    """Where a queue is, and what names it."""

    url: str
    endpoint: str
    arn: str


def queue_of_url(url: str) -> Queue:
    """The queue of a URL as CreateQueue answers with; raises `click.UsageError` if it is none.

    Its region is in AWS's hosts; for others it is `AWS_REGION`'s, or us-east-1.
    """
    parts = urlsplit(url)
    found = re.fullmatch(r"/(?:.*/)?(\d{12})/([\w-]+(?:\.fifo)?)", parts.path)
    if found is None or parts.scheme not in ("http", "https"):
        raise click.UsageError(
            f"{url!r} is no URL of a queue. Write it as in http://127.0.0.1:5000/123456789012/orders"
        )
    host = re.match(r"sqs\.([a-z0-9-]+)\.", parts.netloc)
    region = host[1] if host else os.environ.get("AWS_REGION", "us-east-1")
    account, name = found.groups()
    return Queue(url, f"{parts.scheme}://{parts.netloc}", f"arn:aws:sqs:{region}:{account}:{name}")


@asynccontextmanager
async def reading_in_dev(
    queues: tuple[Queue, ...], function_arn: str, invoker: Invoker, console: Console
) -> AsyncIterator[None]:
    """Read the queues until the end of the block, with AWS's own settings."""
    async with AsyncExitStack() as stack:
        for queue in queues:
            kind = queue_pollers(_Announced(invoker, console), {"sqs": queue.endpoint})
            reader = Pollers({"sqs": kind})
            pollers = await stack.enter_async_context(reader)
            await pollers.start(
                {
                    "UUID": queue.url,
                    "EventSourceArn": queue.arn,
                    "FunctionArn": function_arn,
                    "BatchSize": 10,
                    "FunctionResponseTypes": ["ReportBatchItemFailures"],
                }
            )
        yield


class _Announced(Invoker):
    """Tells the console of each batch, so that it prints what becomes of it."""

    def __init__(self, invoker: Invoker, console: Console) -> None:
        self._invoker = invoker
        self._console = console

    async def invoke(self, function: str, payload: bytes, **options: Any) -> InvokeResult:
        records = json.loads(payload)["Records"]
        name = records[0]["eventSourceARN"].rpartition(":")[2]
        request_id = new_request_id()
        count = "1 message" if len(records) == 1 else f"{len(records)} messages"
        self._console.on_trigger(request_id, f"{count} of {name}")
        return await self._invoker.invoke(
            function, payload, **{**options, "request_id": request_id}
        )

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, **options: Any
    ) -> InvokeStream:
        return await self._invoker.invoke_with_response_stream(function, payload, **options)
