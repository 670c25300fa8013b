from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.api.serving import client, serving
from tests.service.control.plane import Control, controlling
from warmstart.service.api.application import Api, Application
from warmstart.service.api.operations import operations_of
from warmstart.service.api.rest_json import RestJSON


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """One loop is enough: nothing here depends on how a loop does what it does."""
    return str(request.param)


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with controlling(tmp_path) as control:
        yield control


@pytest.fixture
async def lambda_(control: Control) -> AsyncIterator[Any]:
    """boto3 before the control plane, over a real connection."""
    operations = operations_of(*control.control.groups)
    async with serving(Application(Api(RestJSON("lambda"), operations))) as port:
        boto = client("lambda", port)
        yield boto
        boto.close()
