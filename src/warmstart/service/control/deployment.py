"""From stored functions to running ones: the bridge to the data plane.

A version is written down as Pending (or its update as InProgress) by the operation
that makes it, and deployed by a task that runs beside the API: code and layers are
laid out, the program for its runtime is found, the data plane is told, and then the
version becomes Active (or its update Successful), or Failed with the reason. One task
at most works on a version, as AWS lets nobody change what is not settled; to delete
it cancels the task. After a restart `restore` deploys all that there is, and finishes
what the last process could not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from warmstart.service.api.operations import Members
from warmstart.service.control.names import LATEST_PUBLISHED
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry
from warmstart.service.control.runtimes import Interpreters, RuntimeUnavailable, program
from warmstart.service.control.states import (
    ACTIVE,
    NON_INVOCABLE,
    UPDATED,
    failed,
    failed_update,
)
from warmstart.service.environments.engine import NoImage
from warmstart.service.errors import InitFailed
from warmstart.service.function import IDLE_TIMEOUT, Function, Image
from warmstart.service.qualifiers import LATEST
from warmstart.service.state.code import CodeStore
from warmstart.service.state.errors import StateError
from warmstart.service.versions import Provisioned

__all__ = ["DataPlane", "Deployments", "Images", "alias_weights"]

_logger = logging.getLogger(__name__)


_REASON_CODES: dict[type[Exception], str] = {
    RuntimeUnavailable: "InvalidRuntime",
    NoImage: "ImageDeleted",
    ValueError: "InvalidConfiguration",
    InitFailed: "FunctionError",  # a snapshot is made by an INIT
    StateError: "InternalError",
}

_PROVISIONING_FAILED: Members = {
    "AllocatedProvisionedConcurrentExecutions": 0,
    "AvailableProvisionedConcurrentExecutions": 0,
    "Status": "FAILED",
    "StatusReason": "The function's state does not allow it to be run.",
}


class DataPlane(Protocol):
    """What the control plane needs of the service that runs functions."""

    async def create_function(self, function: Function) -> None: ...

    async def update_function(self, function: Function) -> None: ...

    async def delete_function(self, name: str, version: str | None = None) -> None: ...

    def set_alias(self, name: str, alias: str, versions: Mapping[str, float]) -> None: ...

    def delete_alias(self, name: str, alias: str) -> None: ...

    def set_reserved_concurrency(self, name: str, count: int | None) -> None: ...

    def set_provisioned_concurrency(self, name: str, qualifier: str, count: int) -> None: ...

    def delete_provisioned_concurrency(self, name: str, qualifier: str) -> None: ...

    def provisioned_concurrency(self, name: str, qualifier: str) -> Provisioned: ...


class Images(Protocol):
    """What knows the container images there are."""

    def prepare(self, function: Function) -> Function:
        """The function on the image that its name stands for now. Blocks; raises `NoImage`."""
        ...


class Deployments:
    """Keeps the data plane as the registry says it should be.

    Without `images`, functions that are container images are there, and cannot be run.
    """

    def __init__(
        self,
        registry: Registry,
        code: CodeStore,
        data_plane: DataPlane,
        interpreters: Interpreters | None = None,
    ) -> None:
        self._registry = registry
        self._code = code
        self._data_plane = data_plane
        self.interpreters = interpreters or Interpreters()
        self.images: Images | None = None
        self.idle_timeout = IDLE_TIMEOUT
        self._deployed: set[tuple[str, str]] = set()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._cancelled: set[asyncio.Task[None]] = set()

    # Versions

    def begin(self, version: FunctionVersion) -> asyncio.Task[None]:
        """Deploy a version that was just written down, beside everything else."""
        key = (version.name, version.version)
        assert key not in self._tasks, f"{key} is being deployed already"
        task = asyncio.get_running_loop().create_task(self._deploy(version))
        self._tasks[key] = task
        task.add_done_callback(self._cancelled.discard)
        return task

    async def _deploy(self, version: FunctionVersion) -> None:
        """Deploy a version and write down how it went."""
        states = await self._attempt(version)
        # Whoever reads that it is settled may change it at once, so nothing is awaited from here.
        del self._tasks[version.name, version.version]
        self._settle(version, *states)

    async def _attempt(self, version: FunctionVersion) -> tuple[Members, Members]:
        """Deploy a version; its two states afterwards."""
        unpublished = version.is_managed and version.version == LATEST
        try:
            runnable = version.image_uri is None or self.images is not None
            if runnable and not unpublished:
                await self._tell(await asyncio.to_thread(self._function, version))
        except tuple(_REASON_CODES) as error:
            code = next(code for kind, code in _REASON_CODES.items() if isinstance(error, kind))
            return _failed(version, code, str(error))
        except Exception:  # a fault of ours, and nobody waits for this task
            _logger.exception("%s:%s is not deployed", version.name, version.version)
            return _failed(version, "InternalError", "The service failed; its log says how.")
        return (NON_INVOCABLE if unpublished else ACTIVE), UPDATED

    async def wait_settled(self) -> None:
        """Return when nothing is being deployed any more."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def delete(self, name: str, version: str | None = None) -> None:
        """Stop running a version, or all versions, and deploying them.

        A new function of that name may come right behind, so nothing is waited for.
        """
        for key in _of(self._tasks, name, version):
            task = self._tasks.pop(key)
            task.cancel()
            self._cancelled.add(task)
        gone = _of(self._deployed, name, version)
        self._deployed.difference_update(gone)
        if gone:
            await self._data_plane.delete_function(name, version)

    async def restore(self) -> None:
        """Deploy all that is in the registry."""
        for version in self._registry.versions():
            self.begin(version)
        await self.wait_settled()

    async def aclose(self) -> None:
        """Stop deploying; what is not settled is finished by the next `restore`."""
        for task in self._tasks.values():
            task.cancel()
        if tasks := [*self._tasks.values(), *self._cancelled]:
            await asyncio.wait(tasks)
        self.interpreters.close()

    def _function(self, version: FunctionVersion) -> Function:
        """Lay out code and layers, or find the image. Reads and writes files."""
        packaged = self._of_zip(version) if version.image_uri is None else _of_image(version)
        settings = _configured(version)
        function = Function(**packaged, **settings, idle_timeout=self.idle_timeout)
        return function if self.images is None else self.images.prepare(function)

    def _of_zip(self, version: FunctionVersion) -> dict[str, Any]:
        settings = version.settings
        task_root = self._code.directory(settings["CodeSha256"])
        layers = self._code.layers(version.layer_code) if version.layer_code else None
        served_by = program(
            settings["Runtime"], settings["Handler"], task_root, layers, self.interpreters
        )
        return {
            "handler": settings["Handler"],
            "runtime": settings["Runtime"],
            "python": served_by.python,
            "python_path": served_by.python_path,
            "sdk_path": served_by.sdk_path,
            "command": served_by.command,
            "task_root": str(task_root),
            "layers_directory": _path(layers),
            "isolated": True,
        }

    async def _tell(self, function: Function) -> None:
        key = (function.name, function.version)
        if key in self._deployed:
            await self._data_plane.update_function(function)
            return
        await self._data_plane.create_function(function)
        self._deployed.add(key)
        if function.version == LATEST_PUBLISHED:
            self._data_plane.set_alias(function.name, LATEST, {LATEST_PUBLISHED: 1.0})
        self.set_reserved_concurrency(function.name)
        for alias in self._registry.aliases(function.name):
            if function.version in alias_weights(alias):
                self.set_alias(function.name, alias)
        for qualifier in self._registry.provisioned_concurrency(function.name):
            if function.version in self._versions_of(function.name, qualifier):
                self.set_provisioned_concurrency(function.name, qualifier)

    def _settle(self, version: FunctionVersion, state: Members, last_update: Members) -> None:
        # Tags and permissions, which change the revision, may have been set in the meantime.
        current = self._registry.version(version.name, version.version)
        settled = replace(current, state=state, last_update=last_update)
        if settled != current:
            revision = self._registry.new_revision()
            self._registry.put_version(replace(settled, revision_id=revision))

    # Aliases and concurrency: the data plane knows them as far as it knows their versions

    def set_alias(self, name: str, alias: Members) -> None:
        """Point an alias to its versions."""
        if self._runs(name, *(weights := alias_weights(alias))):
            self._data_plane.set_alias(name, alias["Name"], weights)

    def delete_alias(self, name: str, alias: str) -> None:
        """Forget an alias."""
        if self._runs(name):
            self._data_plane.delete_alias(name, alias)

    def set_reserved_concurrency(self, name: str) -> None:
        """Apply what the registry says is reserved for a function."""
        if self._runs(name):
            reserved = self._registry.reserved_concurrency(name)
            self._data_plane.set_reserved_concurrency(name, reserved)

    def set_provisioned_concurrency(self, name: str, qualifier: str) -> None:
        """Apply what the registry says is to be started ahead for a version or alias."""
        count = self._registry.provisioned_concurrency(name).get(qualifier)
        if not self._runs(name, *self._versions_of(name, qualifier)):
            return
        if count is None:
            self._data_plane.delete_provisioned_concurrency(name, qualifier)
        else:
            self._data_plane.set_provisioned_concurrency(name, qualifier, count)

    def provisioned_concurrency(self, name: str, qualifier: str) -> Members:
        """How far that is, as AWS's members."""
        if not self._runs(name, *self._versions_of(name, qualifier)):
            return _PROVISIONING_FAILED
        found = self._data_plane.provisioned_concurrency(name, qualifier)
        output: Members = {
            "AllocatedProvisionedConcurrentExecutions": found.allocated,
            "AvailableProvisionedConcurrentExecutions": found.available,
            "Status": found.status,
        }
        if found.status_reason is not None:
            output["StatusReason"] = found.status_reason
        return output

    def _runs(self, name: str, *versions: str) -> bool:
        """Whether the data plane knows the function, and all of these versions of it."""
        known = {version for _, version in _of(self._deployed, name)}
        return bool(known) and known.issuperset(versions)

    def _versions_of(self, name: str, qualifier: str) -> list[str]:
        alias = self._registry.alias(name, qualifier)
        return [qualifier] if alias is None else list(alias_weights(alias))


def _of_image(version: FunctionVersion) -> dict[str, Any]:
    """What is in an image is its own business, as with a custom runtime."""
    assert version.image_uri is not None
    config = version.settings.get("ImageConfigResponse", {}).get("ImageConfig", {})
    image = Image(
        uri=version.image_uri,
        entry_point=_words(config.get("EntryPoint")),
        command=_words(config.get("Command")),
        working_directory=config.get("WorkingDirectory"),
    )
    return {"handler": "", "runtime": "provided", "task_root": "/var/task", "image": image}


def _words(given: list[str] | None) -> tuple[str, ...] | None:
    return tuple(given) if given else None


def _configured(version: FunctionVersion) -> dict[str, Any]:
    settings = version.settings
    logging_config = settings["LoggingConfig"]
    return {
        "name": version.name,
        "version": version.version,
        "environment": settings.get("Environment", {}).get("Variables", {}),
        "timeout": settings["Timeout"],
        "memory_size": settings["MemorySize"],
        "max_environment_concurrency": _environment_concurrency(settings),
        "tenant_isolation_mode": settings.get("TenancyConfig", {}).get("TenantIsolationMode"),
        "architecture": settings["Architectures"][0],
        "ephemeral_storage": settings["EphemeralStorage"]["Size"],
        "snap_start": settings["SnapStart"]["OptimizationStatus"] == "On",
        "log_format": logging_config["LogFormat"],
        "log_group": logging_config["LogGroup"],
        "application_log_level": logging_config.get("ApplicationLogLevel", "INFO"),
        "system_log_level": logging_config.get("SystemLogLevel", "INFO"),
    }


def _environment_concurrency(settings: Members) -> int:
    """How many invocations an environment serves at the same time.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-execution-environment.html
    """
    provider = settings.get("CapacityProviderConfig")
    if provider is None:
        return 1
    config = provider["LambdaManagedInstancesCapacityProviderConfig"]
    cpus = settings["MemorySize"] / 1024 / config.get("ExecutionEnvironmentMemoryGiBPerVCpu", 2)
    return int(config.get("PerExecutionEnvironmentMaxConcurrency") or max(1, 16 * cpus))


def _failed(version: FunctionVersion, code: str, reason: str) -> tuple[Members, Members]:
    _logger.warning("%s:%s cannot be run: %s", version.name, version.version, reason)
    if version.is_updating:
        return version.state, failed_update(code, reason)
    return failed(code, reason), version.last_update


def _of(
    keys: Iterable[tuple[str, str]], name: str, version: str | None = None
) -> list[tuple[str, str]]:
    """Those of a function, or of one version of it."""
    return [key for key in keys if key[0] == name and version in (None, key[1])]


def alias_weights(alias: Members) -> dict[str, float]:
    """The versions that an alias leads to, with weights that add up to one."""
    others: dict[str, float] = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return {alias["FunctionVersion"]: 1.0 - sum(others.values()), **others}


def _path(directory: Path | None) -> str | None:
    return None if directory is None else str(directory)
