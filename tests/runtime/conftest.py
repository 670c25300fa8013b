"""What the runtime's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.runtime.clients import WARMSTART, Client, Running
from tests.runtime.fake_api import FakeRuntimeAPI

Start = Callable[..., Running]


@pytest.fixture
def api() -> Iterator[FakeRuntimeAPI]:
    with FakeRuntimeAPI() as fake:
        yield fake


@pytest.fixture
def start(api: FakeRuntimeAPI, tmp_path: Path) -> Iterator[Start]:
    """Start a client, ours unless told otherwise, that asks `api` for events."""
    with ExitStack() as stack:

        def start(handler: str, client: Client = WARMSTART, **variables: str) -> Running:
            folder = Path(mkdtemp(dir=tmp_path))
            return stack.enter_context(client.running(api.address, handler, folder, **variables))

        yield start
