"""All that is served at an environment's port: the APIs of its runtime and of its extensions."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from warmstart.service.endpoints import extensions_api, telemetry_api
from warmstart.service.endpoints.answers import Receive, Scope, Send
from warmstart.service.endpoints.extensions_api import Extended, ExtensionsAPI
from warmstart.service.endpoints.runtime_api import Runtime, RuntimeAPI
from warmstart.service.endpoints.telemetry_api import Observed, TelemetryAPI

__all__ = ["EnvironmentAPI"]


class Served(Runtime, Extended, Observed, Protocol):
    """The environment whose APIs these are."""


class EnvironmentAPI:
    """The ASGI application of one environment; `restores` if it is one of a snapshot."""

    def __init__(self, environment: Served, *, restores: bool = False) -> None:
        self._runtime = RuntimeAPI(environment, restores=restores)
        self._extensions = ExtensionsAPI(environment)
        self._telemetry = TelemetryAPI(environment)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request. Not a coroutine of its own: an invocation need not pay for another one."""
        path: str = scope["path"]
        if path.startswith(extensions_api.ROOT):
            return self._extensions(scope, receive, send)
        if path.startswith(telemetry_api.ROOTS):
            return self._telemetry(scope, receive, send)
        return self._runtime(scope, receive, send)
