"""The account's limits and what is used of them.

https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
"""

from __future__ import annotations

from warmstart.service.api.operations import Members, operation
from warmstart.service.control.code import MAX_ZIPPED
from warmstart.service.control.concurrency import Concurrency
from warmstart.service.control.layers import Layers
from warmstart.service.control.registry import Registry
from warmstart.service.state.archive import MAX_UNZIPPED

__all__ = ["AccountSettings"]

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_TOTAL_CODE = 80_530_636_800


class AccountSettings:
    """GetAccountSettings."""

    def __init__(self, registry: Registry, concurrency: Concurrency, layers: Layers) -> None:
        self._registry = registry
        self._concurrency = concurrency
        self._layers = layers

    @operation("GetAccountSettings")
    def get(self, parameters: Members) -> Members:
        """Limits in bytes and environments; the code of all versions and layers is counted."""
        versions = self._registry.versions()
        code = sum(version.settings["CodeSize"] for version in versions) + self._layers.code_size()
        return {
            "AccountLimit": {
                "TotalCodeSize": _TOTAL_CODE,
                "CodeSizeUnzipped": MAX_UNZIPPED,
                "CodeSizeZipped": MAX_ZIPPED,
                "ConcurrentExecutions": self._concurrency.limit,
                "UnreservedConcurrentExecutions": self._concurrency.unreserved(),
            },
            "AccountUsage": {
                "TotalCodeSize": code,
                "FunctionCount": len(self._registry.functions()),
            },
        }
