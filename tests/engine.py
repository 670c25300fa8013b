"""A real Docker engine for tests, and the image that they build on.

`scripts/engine` makes both. Without an engine these tests are skipped, but where
WARMSTART_DOCKER is `required`, as in CI, they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import docker
import pytest

__all__ = ["BASE", "PYTHON", "engine"]

BASE = "warmstart-test-base"
"""Debian with its Python, of the version PYTHON."""

PYTHON = "3.11"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine, which has the base image."""
    try:
        client = docker.from_env()
    except docker.errors.DockerException as error:
        _without(f"no Docker engine answers ({error}); `scripts/engine` starts one")
    try:
        client.images.get(BASE)
    except docker.errors.ImageNotFound:
        client.close()
        _without(f"the engine has no image {BASE}; `scripts/engine` makes it")
    yield client
    client.close()


def _without(reason: str) -> NoReturn:
    if os.environ.get("WARMSTART_DOCKER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
