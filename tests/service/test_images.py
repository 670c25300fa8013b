"""The whole way of an image: built, invoked by many, and gone without a trace."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine import engine, root
from tests.images.building import app_image
from warmstart.service.environments.engine import EngineUnavailable
from warmstart.service.platform import Platform, Settings

__all__ = ["engine", "root"]

TAG = f"warmstart-test-image-{os.getpid()}"  # tests may run in several processes
APP = """\
import asyncio
async def app(scope, receive, send):
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})
"""


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, root: None) -> Iterator[str]:
    """An ASGI app on warmstart's runtime."""
    with app_image(engine, TAG, "main.app", {"main": APP}) as tag:
        yield tag


def settings(directory: Path, **more: Any) -> Settings:
    return Settings(directory=directory, endpoint=lambda: "http://127.0.0.1:9000", **more)


async def create(platform: Platform, image: str) -> Any:
    """The function, once it is settled."""
    created = {
        "FunctionName": "f",
        "Role": "arn:aws:iam::123456789012:role/r",
        "PackageType": "Image",
        "Code": {"ImageUri": image},
        "Timeout": 30,
        "MemorySize": 256,
    }
    await call(platform, "POST", "/2015-03-31/functions", created)
    await platform.control.deployments.wait_settled()
    return await call(platform, "GET", "/2015-03-31/functions/f/configuration")


async def call(platform: Platform, method: str, path: str, body: object = None) -> Any:
    content = b"" if body is None else json.dumps(body).encode()
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }
    await platform(scope, receive, send)
    payload = b"".join(message.get("body", b"") for message in sent)
    assert sent[0]["status"] < 300, payload
    return json.loads(payload)


def event(path: str) -> bytes:
    http = {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
    context = {"http": http, "domainName": "localhost", "requestId": "r", "stage": "$default"}
    return json.dumps(
        {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "localhost"},
            "requestContext": context,
            "isBase64Encoded": False,
        }
    ).encode()


async def test_an_image_is_created_scaled_out_and_leaves_nothing(
    engine: docker.DockerClient, image: str, tmp_path: Path
) -> None:
    mine = {"label": f"warmstart.owner={os.getpid()}"}
    async with Platform.open(settings(tmp_path)) as platform:
        assert (await create(platform, image))["State"] == "Active"
        calls = [platform.invoker.invoke("f", event(f"/{number}")) for number in range(4)]
        results = [json.loads(result.payload) for result in await asyncio.gather(*calls)]

        assert [result["body"] for result in results] == [f"/{number}" for number in range(4)]
        assert len(engine.containers.list(filters=mine)) == 4
    assert engine.containers.list(all=True, filters=mine) == []


@pytest.mark.usefixtures("root")
async def test_an_image_that_is_not_there_makes_a_function_that_failed(tmp_path: Path) -> None:
    async with Platform.open(settings(tmp_path)) as platform:
        found = await create(platform, "no-such-image:1")

    assert (found["State"], found["StateReasonCode"]) == ("Failed", "ImageDeleted")
    assert "Pull or build it" in found["StateReason"]


async def test_without_an_engine_all_but_containers_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    async with Platform.open(settings(tmp_path / "data")) as platform:
        assert (await create(platform, "app:1"))["State"] == "Active"
    with pytest.raises(EngineUnavailable):
        async with Platform.open(settings(tmp_path / "other", isolation="docker")):
            pass
