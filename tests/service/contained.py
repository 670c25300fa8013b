"""Functions in containers of a real engine, and a look at what they leave behind."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine import BASE, engine, without
from tests.service.real import places
from tests.service.scripted import Observed
from warmstart.invoke import InvokeResult
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.environments.engine import EngineUnavailable
from warmstart.service.function import Function
from warmstart.service.service import Service

__all__ = [
    "PATIENCE",
    "answer",
    "anyio_backend",
    "call",
    "containers",
    "driver",
    "engine",
    "error",
    "function",
    "patient",
    "serving",
]


@pytest.fixture
def driver(engine: docker.DockerClient) -> Iterator[DockerDriver]:
    try:
        driver = DockerDriver(BASE)
    except EngineUnavailable as error:
        without(str(error))
    yield driver
    assert containers(engine) == []
    driver.close()
    assert places() == []


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": False}


def containers(engine: docker.DockerClient) -> list[str]:
    mine = {"label": f"warmstart.owner={os.getpid()}"}
    return [each.name for each in engine.containers.list(all=True, filters=mine)]


PATIENCE: dict[str, Any] = {"timeout": 120.0, "init_timeout": 120.0}
"""Seconds that no function is to need on any machine, however slow and busy that is."""

patient = pytest.mark.timeout(300)
"""For tests of functions with this patience: they are to fail by their own words."""


def function(code: Path, handler: str, **settings: Any) -> Function:
    defaults: dict[str, Any] = {"name": "f", "runtime": "python3.11"} | PATIENCE
    return Function(handler=f"main.{handler}", task_root=str(code), **defaults | settings)


@asynccontextmanager
async def serving(
    driver: DockerDriver, *functions: Function
) -> AsyncIterator[tuple[Service, Observed]]:
    observed = Observed()
    async with Service(observed, driver=driver) as service:
        for each in functions:
            await service.create_function(each)
        yield service, observed


async def call(driver: DockerDriver, function: Function, event: object = None) -> Any:
    async with serving(driver, function) as (service, _):
        return answer(await service.invoke("f", json.dumps(event).encode()))


def answer(result: InvokeResult) -> Any:
    assert result.function_error is None, result.payload
    return json.loads(result.payload)


def error(result: InvokeResult) -> tuple[str, str]:
    assert result.function_error is not None
    found = json.loads(result.payload)
    return found["errorType"], found["errorMessage"].partition(" Error: ")[2]
