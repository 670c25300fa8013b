"""A service with access keys: who has one may call it, and its functions have one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.cli.running import Running, started
from tests.service.whole.clients import REGION, ROLE, RUNTIME, archive

CALLS = """
import boto3, json

def handler(event, context):
    if event == "ask":
        return "answered"
    found = boto3.client("lambda").invoke(FunctionName=context.function_name, Payload=b'"ask"')
    return json.loads(found["Payload"].read())
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "keys").write_text("AKIDKEY:secret\nOTHER:other\n")
    with started(tmp_path, "serve", "--keys", "keys") as service:
        yield service


def client(running: Running, key: str, secret: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{running.port}",
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def test_a_function_may_call_the_service_that_it_runs_in(running: Running) -> None:
    api = client(running, "OTHER", "other")
    api.create_function(
        FunctionName="calls",
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="app.handler",
        Timeout=20,
        Code={"ZipFile": archive(app=CALLS)},
    )
    api.get_waiter("function_active_v2").wait(FunctionName="calls")

    answer = api.invoke(FunctionName="calls", Payload=b'"begin"')

    assert json.loads(answer["Payload"].read()) == "answered"


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        ("AKIDKEY", "wrong", "InvalidSignatureException"),
        ("NOBODY", "secret", "UnrecognizedClientException"),
    ],
)
def test_nobody_else_may(running: Running, key: str, secret: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        client(running, key, secret).list_functions()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
