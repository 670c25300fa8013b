"""Functions of `warmstart serve` through their URLs."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.cli.running import started

KEYS = {"AKIDEXAMPLE": "secret"}
APP = """
def handler(event, context):
    return {
        "version": context.function_version,
        "path": event["rawPath"],
        "account": event["requestContext"]["accountId"],
    }
"""


@pytest.fixture(params=[False, True], ids=["open", "with keys"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """boto3 before a service with the function `f`, and whether it has keys."""
    (tmp_path / "keys").write_text("".join(f"{key}:{secret}\n" for key, secret in KEYS.items()))
    options = ["--keys", "keys"] if request.param else []
    with started(tmp_path, "serve", *options) as running:
        client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{running.port}",
            region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
        )
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as target:
            target.writestr("app.py", APP)
        client.create_function(
            FunctionName="f",
            Role="arn:aws:iam::123456789012:role/r",
            Runtime=f"python3.{sys.version_info.minor}",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
            Publish=True,
        )
        waiter = client.get_waiter("function_active_v2")
        waiter.wait(FunctionName="f", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
        client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
        yield client, request.param
        client.close()


def ask(url: str, path: str = "", **headers: str) -> httpx.Response:
    """Send a request to a URL; names under localhost are not for every resolver."""
    parts = urlsplit(url)
    headers = {"host": parts.netloc, **headers}
    return httpx.get(f"http://127.0.0.1:{parts.port}/{path}", headers=headers, timeout=30)


def signature(url: str, secret: str) -> dict[str, str]:
    request = AWSRequest("GET", url, {"host": urlsplit(url).netloc})
    SigV4Auth(Credentials("AKIDEXAMPLE", secret), "lambda", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_functions_are_reached_by_their_urls(service: Any) -> None:
    lambda_, has_keys = service
    url = lambda_.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    live = lambda_.create_function_url_config(FunctionName="f:live", AuthType="AWS_IAM")
    response = ask(url, "a/b")
    assert response.json() == {"version": "$LATEST", "path": "/a/b", "account": "anonymous"}

    url = live["FunctionUrl"]
    forbidden = ask(url)
    assert forbidden.status_code == 403
    assert json.loads(forbidden.text)["Message"].startswith("Forbidden. For troubleshooting")
    response = ask(url, **signature(url, "secret"))
    assert response.json() == {"version": "1", "path": "/", "account": "123456789012"}
    # Without keys nobody knows which signature is right.
    response = ask(url, **signature(url, "wrong"))
    if has_keys:
        assert response.status_code == 403
        assert response.headers["x-amzn-errortype"] == "InvalidSignatureException"
        message = "The request signature we calculated does not match the signature you provided."
        assert json.loads(response.text)["message"].startswith(message)
    else:
        assert response.status_code == 200

    lambda_.delete_alias(FunctionName="f", Name="live")
    gone = ask(url, **signature(url, "secret"))
    assert (gone.status_code, gone.text) == (403, '{"Message":null}')
