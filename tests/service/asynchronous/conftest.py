"""No processes end here, which is where loops differ: one of them is enough."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
