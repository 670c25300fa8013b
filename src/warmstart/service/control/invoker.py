"""Invocations by way of the registry: what exists but cannot run says why.

The data plane knows only what was deployed, so an invocation that finds its function
there costs nothing more than before.
"""

from __future__ import annotations

from typing import Any

from warmstart.invoke import (
    InvokeError,
    InvokeResult,
    InvokeStream,
    ResourceNotFound,
    SnapStartNotReady,
)
from warmstart.service.api.errors import ApiError
from warmstart.service.control.names import FunctionName
from warmstart.service.control.registry import Registry
from warmstart.service.control.states import not_now
from warmstart.service.functions import Functions

__all__ = ["DeployedFunctions", "NoContainers", "NotReady"]


class NotReady(InvokeError):
    """The function is there, but its state does not let it be invoked."""

    error_type = "ResourceConflictException"
    status = 409


class NoContainers(InvokeError):
    """The function is a container image."""

    error_type = "InvalidRuntimeException"
    status = 502


class DeployedFunctions:
    """Knows a function that is not deployed from one that does not exist.

    `no_containers` is why images cannot be run, if they cannot.
    """

    def __init__(
        self,
        functions: Functions,
        registry: Registry,
        no_containers: str | None = "no driver for containers is configured here",
    ) -> None:
        self._functions = functions
        self._no_containers = no_containers
        self._registry = registry

    async def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, **options: Any
    ) -> InvokeResult:
        """Run a function and wait for its whole answer."""
        try:
            return await self._functions.invoke(function, payload, qualifier=qualifier, **options)
        except ResourceNotFound as error:
            raise self._reason(function, qualifier, error) from None

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, *, qualifier: str | None = None, **options: Any
    ) -> InvokeStream:
        """Run a function and return as soon as it begins to answer."""
        try:
            return await self._functions.invoke_with_response_stream(
                function, payload, qualifier=qualifier, **options
            )
        except ResourceNotFound as error:
            raise self._reason(function, qualifier, error) from None

    def check(self, function: str, qualifier: str | None = None) -> None:
        """Raises an `InvokeError` if an invocation would find nothing to run."""
        try:
            self._functions.check(function, qualifier)
        except ResourceNotFound as error:
            raise self._reason(function, qualifier, error) from None

    def _reason(self, name: str, qualifier: str | None, error: InvokeError) -> InvokeError:
        """Why the data plane did not find it."""
        try:
            version = self._registry.find(FunctionName(name, qualifier))
        except ApiError:
            return error
        if version.image_uri is not None and self._no_containers is not None:
            return NoContainers(
                f"{name} is the container image {version.image_uri}, which cannot be run:"
                f" {self._no_containers}."
            )
        if version.is_pending and version.settings["SnapStart"]["OptimizationStatus"] == "On":
            return SnapStartNotReady(
                "Lambda is initializing your function. You can invoke the function when the"
                " function state becomes Active."
            )
        reason = version.state.get("StateReason") if version.state["State"] == "Failed" else None
        return NotReady(not_now(version) + (f" ({reason})" if reason else ""))
