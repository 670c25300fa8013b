"""A control plane over a new directory, and a data plane that only remembers."""

from __future__ import annotations

import inspect
import io
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operations_of
from warmstart.service.clock import Clock
from warmstart.service.control.arns import Arns
from warmstart.service.control.control_plane import ControlPlane
from warmstart.service.function import Function
from warmstart.service.state.code import CodeStore
from warmstart.service.state.store import Store
from warmstart.service.versions import Provisioned

RUNTIME = f"python3.{sys.version_info.minor}"
ROLE = "arn:aws:iam::123456789012:role/r"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"
NOW = 1795521600.25
"""2026-11-24T12:00:00.250 UTC"""


def archive(files: Mapping[str, str] | None = None) -> bytes:
    """A zip file; the same bytes for the same files. A file named bootstrap is executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in (
            files or {"app.py": "def handler(event, context): return event"}
        ).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o755 if name == "bootstrap" else 0o644) << 16
            target.writestr(info, text)
    return buffer.getvalue()


class MemoryPlane:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str], Function] = {}
        self.updates: list[tuple[str, str]] = []
        self.aliases: dict[tuple[str, str], Mapping[str, float]] = {}
        self.reserved: dict[str, int | None] = {}
        self.provisioned: dict[tuple[str, str], int] = {}

    async def create_function(self, function: Function) -> None:
        key = (function.name, function.version)
        assert key not in self.functions
        self.functions[key] = function

    async def update_function(self, function: Function) -> None:
        key = (function.name, function.version)
        assert key in self.functions
        self.functions[key] = function
        self.updates.append(key)

    async def delete_function(self, name: str, version: str | None = None) -> None:
        gone = [key for key in self.functions if key[0] == name and version in (None, key[1])]
        assert gone
        for key in gone:
            del self.functions[key]
            self.provisioned.pop(key, None)
        if version is None:
            self.reserved.pop(name, None)
            for key in [key for key in self.aliases if key[0] == name]:
                self.delete_alias(*key)

    def set_alias(self, name: str, alias: str, versions: Mapping[str, float]) -> None:
        assert all((name, version) in self.functions for version in versions)
        self.aliases[name, alias] = versions

    def delete_alias(self, name: str, alias: str) -> None:
        del self.aliases[name, alias]
        self.provisioned.pop((name, alias), None)

    def set_reserved_concurrency(self, name: str, count: int | None) -> None:
        self.reserved[name] = count

    def set_provisioned_concurrency(self, name: str, qualifier: str, count: int) -> None:
        self.provisioned[name, qualifier] = count

    def delete_provisioned_concurrency(self, name: str, qualifier: str) -> None:
        del self.provisioned[name, qualifier]

    def provisioned_concurrency(self, name: str, qualifier: str) -> Provisioned:
        count = self.provisioned[name, qualifier]
        return Provisioned(count, count, count, "READY")


class Control:
    """A control plane, called as the API calls it."""

    def __init__(self, plane: MemoryPlane, control: ControlPlane) -> None:
        self.plane = plane
        self.control = control
        self._operations = operations_of(*control.groups)

    async def call(self, operation: str, **parameters: Any) -> Members:
        """Perform an operation."""
        output = self._operations[operation](parameters)
        result: Members = await output if inspect.isawaitable(output) else output
        return result

    async def refused(self, operation: str, **parameters: Any) -> tuple[str, str]:
        """The code and the message of the error that an operation must end in."""
        with pytest.raises(ApiError) as caught:
            await self.call(operation, **parameters)
        return caught.value.code, caught.value.message

    async def create(self, name: str = "f", **parameters: Any) -> Members:
        """Create a function and wait until it is settled."""
        output = await self.call("CreateFunction", **(function(name) | parameters))
        await self.settled()
        return output

    async def settled(self) -> None:
        """Return when nothing is being deployed."""
        await self.control.deployments.wait_settled()


def function(name: str = "f", **parameters: Any) -> Members:
    """What CreateFunction needs at the least."""
    return {
        "FunctionName": name,
        "Runtime": RUNTIME,
        "Role": ROLE,
        "Handler": "app.handler",
        "Code": {"ZipFile": archive()},
        **parameters,
    }


@asynccontextmanager
async def controlling(
    directory: Path, plane: MemoryPlane | None = None, **settings: Any
) -> AsyncIterator[Control]:
    """A control plane over the directory's state."""
    store = Store.open(directory)
    data_plane = plane or MemoryPlane()
    control = ControlPlane(
        store,
        CodeStore(directory),
        data_plane,
        arns=Arns("us-east-1", "123456789012"),
        endpoint=lambda: "http://127.0.0.1:9000",
        clock=Clock(time=lambda: NOW),
        **settings,
    )
    try:
        yield Control(data_plane, control)
    finally:
        await control.aclose()
        store.close()
