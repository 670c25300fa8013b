"""`warmstart serve` in a process of its own, and moto's server as the rest of AWS beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import started
from tests.service.whole.clients import Aws
from tests.service.whole.neighbours import Moto


@pytest.fixture(scope="package")
def moto() -> Iterator[Moto]:
    with Moto.started() as server:
        yield server


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory, moto: Moto) -> Iterator[Aws]:
    """The service, which a module's tests share: each takes names of its own."""
    folder: Path = tmp_path_factory.mktemp("service")
    options = ("--aws-endpoint-url", moto.url, "--time-scale", "0.01")
    with started(folder, "serve", *options) as running:
        yield Aws(running, moto.url)
