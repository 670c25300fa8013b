"""Code from S3 is fetched from moto's server, which is S3 as others understood it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.service.control.plane import Control, archive, controlling, function
from warmstart.service.api.errors import ApiError
from warmstart.service.clock import Clock
from warmstart.service.control.code import ARCHIVES, S3, FunctionCode
from warmstart.service.state.code import CodeStore


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    resource = boto3.resource("s3", endpoint_url=s3, region_name="us-east-1")
    bucket = resource.Bucket("code")
    bucket.create()
    bucket.Versioning().enable()
    yield bucket
    bucket.object_versions.delete()
    bucket.delete()
    resource.meta.client.close()


@pytest.fixture
async def stored(tmp_path: Path, s3: str) -> AsyncIterator[Control]:
    async with controlling(tmp_path, s3=S3(s3)) as control:
        yield control


async def test_code_comes_from_s3(stored: Control, bucket: Any) -> None:
    wanted = {"Bucket": "code", "Key": "app.zip"}
    first = bucket.meta.client.put_object(**wanted, Body=archive({"app.py": "first"}))
    bucket.put_object(Key="app.zip", Body=archive({"app.py": "second"}))
    source = {"S3Bucket": "code", "S3Key": "app.zip"}
    await stored.create("f", Code=source)
    await stored.create("g", Code={**source, "S3ObjectVersion": first["VersionId"]})

    assert code(stored, "f") == "second"
    assert code(stored, "g") == "first"


def code(control: Control, name: str) -> str:
    return Path(control.plane.functions[name, "$LATEST"].task_root, "app.py").read_text()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (  # recorded from AWS
            {"S3Bucket": "code", "S3Key": "nope.zip"},
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The"
            " specified key does not exist.",
        ),
        (  # recorded from AWS
            {"S3Bucket": "nowhere", "S3Key": "app.zip"},
            "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The"
            " specified bucket does not exist",
        ),
    ],
)
async def test_code_that_s3_does_not_have_is_refused_in_its_words(
    stored: Control, bucket: Any, source: dict[str, str], message: str
) -> None:
    refused = await stored.refused("CreateFunction", **function(Code=source))
    assert refused == ("InvalidParameterValueException", message)


async def test_an_s3_that_is_not_there_is_said(tmp_path: Path) -> None:
    async with controlling(tmp_path, s3=S3("http://127.0.0.1:9")) as control:
        source = {"S3Bucket": "code", "S3Key": "app.zip"}
        code, message = await control.refused("CreateFunction", **function(Code=source))
    assert code == "InvalidParameterValueException"
    assert message.startswith(
        "Error occurred while GetObject. S3 Error Code: EndpointConnectionError. S3 Error Message:"
        " Could not connect to the endpoint URL"
    )


async def test_of_two_creations_at_once_one_wins(stored: Control, bucket: Any) -> None:
    bucket.put_object(Key="app.zip", Body=archive())
    source = {"S3Bucket": "code", "S3Key": "app.zip"}
    both = [stored.call("CreateFunction", **function(Code=source)) for _ in range(2)]
    results = await asyncio.gather(*both, return_exceptions=True)

    refused = [result for result in results if isinstance(result, ApiError)]
    assert [error.code for error in refused] == ["ResourceConflictException"]


class Now:
    """A clock to be set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def clock(self) -> Clock:
        return Clock(time=lambda: self.seconds)


async def test_a_location_is_valid_for_ten_minutes_and_cannot_be_forged(tmp_path: Path) -> None:
    now = Now()
    store = CodeStore(tmp_path)
    sources = FunctionCode(store, lambda: "http://127.0.0.1:9000", clock=now.clock())
    added = await sources.add({"ZipFile": archive()})
    location = sources.location(added.sha256)
    token = location.removeprefix(f"http://127.0.0.1:9000{ARCHIVES}")

    now.seconds += 600
    assert sources.archive(token) == store.archive(added.sha256)
    digest, expires, signature = token.split(".")
    assert sources.archive(f"{digest}.{int(expires) + 1}.{signature}") is None
    for forged in ("", "..", "é", f"{digest}.{expires}.", signature):
        assert sources.archive(forged) is None

    now.seconds += 1
    assert sources.archive(token) is None
