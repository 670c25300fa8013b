"""The application behind a real server, and boto3 in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@asynccontextmanager
async def serving(application: Any) -> AsyncIterator[int]:
    """Serve on a free port of 127.0.0.1, as `warmstart serve` does."""
    config = uvicorn.Config(
        application, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


def client(service: str, port: int, **settings: Any) -> Any:
    """A boto3 client that tries once."""
    retries = {"total_max_attempts": 1}
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        config=Config(retries=retries, read_timeout=10, connect_timeout=5),
        **{
            "region_name": "us-east-1",
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": SECRET_KEY,
        }
        | settings,
    )


async def refusal(method: Callable[..., Any], **parameters: Any) -> tuple[int, str, str]:
    """The status, code and message of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        await call(method, **parameters)
    response = caught.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


async def call(method: Callable[..., Any], **parameters: Any) -> Any:
    """Call a blocking client while the server runs."""
    return await asyncio.to_thread(lambda: method(**parameters))
