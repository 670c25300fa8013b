"""A real Docker engine for tests, and the image that they build on.

`scripts/engine` makes both. Without an engine these tests are skipped, but where
WARMSTART_DOCKER is `required`, as in CI, they fail.
"""

from __future__ import annotations

import fcntl
import gc
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import docker
import pytest

__all__ = ["BASE", "PYTHON", "building", "engine", "root"]

BASE = "warmstart-test-base"
"""Debian with its Python, of the version PYTHON."""

PYTHON = "3.11"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine, which has the base image."""
    client = _connected()
    try:
        client.images.get(BASE)
    except docker.errors.ImageNotFound:
        client.close()
        _without(f"the engine has no image {BASE}; `scripts/engine` makes it")
    yield client
    client.close()


@pytest.fixture(scope="session")
def root(engine: docker.DockerClient) -> None:
    """To build images the engine is enough; to serve functions in containers takes root."""
    if os.geteuid() != 0:
        _without("only root serves functions in containers")


@contextmanager
def building() -> Iterator[None]:
    """Builds and removals of images one at a time, in whatever process tests run.

    To remove an image removes the steps it was built by, which another build may be using.
    """
    with open(Path(tempfile.gettempdir()) / "warmstart-test-images.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _connected() -> docker.DockerClient:
    try:
        return docker.from_env()
    except docker.errors.DockerException as error:
        reason = str(error)
    # The SDK leaves a socket open that it could not connect: no test is to be charged with it.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
    _without(f"no Docker engine answers ({reason}); `scripts/engine` starts one")


def _without(reason: str) -> NoReturn:
    if os.environ.get("WARMSTART_DOCKER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
