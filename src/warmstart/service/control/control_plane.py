"""The whole control plane, put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from warmstart.service.clock import Clock
from warmstart.service.control.account import AccountSettings
from warmstart.service.control.aliases import Aliases
from warmstart.service.control.arns import Arns
from warmstart.service.control.capacity_providers import CapacityProviders
from warmstart.service.control.code import S3, FunctionCode
from warmstart.service.control.code_signing import CodeSigning
from warmstart.service.control.concurrency import Concurrency
from warmstart.service.control.deployment import DataPlane, Deployments
from warmstart.service.control.event_invoke import EventInvokeConfigs
from warmstart.service.control.event_source_mappings import EventSourceMappings
from warmstart.service.control.function_settings import (
    FunctionScaling,
    Recursion,
    RuntimeManagement,
)
from warmstart.service.control.functions import Functions
from warmstart.service.control.layer_permissions import LayerPermissions
from warmstart.service.control.layers import Layers
from warmstart.service.control.names import function_name
from warmstart.service.control.policies import Policies
from warmstart.service.control.provisioned import ProvisionedConcurrency
from warmstart.service.control.registry import Registry
from warmstart.service.control.tags import Tags
from warmstart.service.control.urls import FunctionUrls
from warmstart.service.control.versions import Versions
from warmstart.service.state.code import CodeStore
from warmstart.service.state.store import Store

__all__ = ["ControlPlane"]


class ControlPlane:
    """The operations of the Lambda API over a store, and the deployments they make.

    `groups` are the objects whose methods perform the operations. `endpoint` tells the
    service's own URL, as clients see it; `concurrent_executions` is the account's limit.
    Event sources are read by `event_sources.pollers`, which is to be set before `restore`, as
    are `deployments.images`, if images can be run.
    """

    def __init__(
        self,
        store: Store,
        code: CodeStore,
        data_plane: DataPlane,
        *,
        arns: Arns,
        endpoint: Callable[[], str],
        s3: S3 | None = None,
        concurrent_executions: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        self.registry = Registry(store, arns, clock)
        self.deployments = Deployments(self.registry, code, data_plane)
        self.code = FunctionCode(code, endpoint, s3 or S3(region=arns.region), clock)
        self.layers = Layers(self.registry, self.code)
        self.concurrency = Concurrency(self.registry, self.deployments, concurrent_executions)
        self.recursion = Recursion(self.registry)
        self.event_invoke = EventInvokeConfigs(self.registry, clock)
        self.event_sources = EventSourceMappings(self.registry, clock)
        self.urls = FunctionUrls(self.registry, endpoint)
        versions = Versions(self.registry, self.deployments)
        signing = CodeSigning(self.registry)
        providers = CapacityProviders(self.registry)
        self.groups: list[object] = [
            Functions(self.registry, self.deployments, self.code, self.layers, versions, signing),
            versions,
            Aliases(self.registry, self.deployments),
            self.layers,
            LayerPermissions(self.registry, self.layers),
            self.concurrency,
            ProvisionedConcurrency(self.registry, self.deployments, self.concurrency),
            RuntimeManagement(self.registry),
            self.recursion,
            FunctionScaling(self.registry),
            Policies(self.registry),
            self.urls,
            self.event_invoke,
            self.event_sources,
            signing,
            providers,
            AccountSettings(self.registry, self.concurrency, self.layers),
            Tags(
                self.registry,
                {
                    "function": self.registry.check_function,
                    "event-source-mapping": self.event_sources.check_exists,
                    "code-signing-config": signing.check_exists,
                    "capacity-provider": providers.check_exists,
                },
            ),
        ]
        self._code_store = code

    async def restore(self) -> None:
        """Deploy what the last process left, and delete the code that nothing uses any more."""
        used = set(self.layers.code())
        for version in self.registry.versions():
            used.update(version.layer_code)
            if version.image_uri is None:
                used.add(version.settings["CodeSha256"])
        await asyncio.to_thread(self._code_store.collect, used)
        await self.deployments.restore()
        self.event_sources.restore()

    def archive(self, token: str) -> Path | None:
        """The file for a URL of an answer (`code.ARCHIVES` and the token), while it is valid."""
        return self.code.archive(token)

    def log_group(self, arn: str) -> str:
        """Where the function that an ARN names logs. Raises `ApiError` if there is none."""
        version = self.registry.find(function_name(self.registry.arns, arn))
        group: str = version.settings["LoggingConfig"]["LogGroup"]
        return group

    async def aclose(self) -> None:
        """Stop deploying, and settling event source mappings."""
        await self.event_sources.aclose()
        await self.deployments.aclose()
