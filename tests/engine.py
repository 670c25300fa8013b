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
from urllib.parse import quote

import docker
import pytest

__all__ = ["BASE", "PYTHON", "building", "engine", "removing", "root", "without"]

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
        without(f"the engine has no image {BASE}; `scripts/engine` makes it")
    yield client
    client.close()


@pytest.fixture(scope="session")
def root(engine: docker.DockerClient) -> None:
    """To build images the engine is enough; to serve functions in containers takes root."""
    if os.geteuid() != 0:
        without("only root serves functions in containers")


@contextmanager
def building() -> Iterator[None]:
    """Around builds of images, by which no step is removed meanwhile that they may be using."""
    with _images(fcntl.LOCK_SH):
        yield


@contextmanager
def removing() -> Iterator[None]:
    """Around removals of images, which remove the steps that these were built by, too."""
    with _images(fcntl.LOCK_EX):
        yield


@contextmanager
def _images(lock: int) -> Iterator[None]:
    """The lock on an engine's images, for whatever processes tests run in."""
    engine = quote(os.environ.get("DOCKER_HOST", ""), safe="")
    with open(Path(tempfile.gettempdir()) / f"warmstart-test-images-{engine}.lock", "w") as file:
        fcntl.flock(file, lock)
        yield


def _connected() -> docker.DockerClient:
    try:
        return docker.from_env()
    except docker.errors.DockerException as error:
        reason = str(error)
    # The SDK leaves a socket open that it could not connect: no test is to be charged with it.
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()
    without(f"no Docker engine answers ({reason}); `scripts/engine` starts one")


def without(reason: str) -> NoReturn:
    """Skip the test, or fail it where Docker is required."""
    if os.environ.get("WARMSTART_DOCKER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
