"""Reserved concurrency: a function's own share of the account's environments.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from __future__ import annotations

from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.deployment import Deployments
from warmstart.service.control.registry import Registry
from warmstart.service.qualifiers import LATEST

__all__ = ["MINIMUM_UNRESERVED", "Concurrency"]

MINIMUM_UNRESERVED = 100
"""Environments that AWS keeps for the functions without a reservation."""


class Concurrency:
    """Put-, Get- and DeleteFunctionConcurrency. `limit` is the account's ConcurrentExecutions."""

    def __init__(self, registry: Registry, deployments: Deployments, limit: int = 1000) -> None:
        self._registry = registry
        self._deployments = deployments
        self.limit = limit

    def unreserved(self, *, without: str | None = None) -> int:
        """The account's UnreservedConcurrentExecutions, but for what one function has taken.

        What is provisioned for a function that has no reservation is not free either.
        """
        taken = 0
        for name in self._registry.functions():
            if name != without:
                reserved = self._registry.reserved_concurrency(name)
                taken += self.provisioned(name) if reserved is None else reserved
        return self.limit - taken

    def provisioned(self, name: str, *, without: str | None = None) -> int:
        """What is provisioned for a function's versions and aliases, but for one of them."""
        requested = self._registry.provisioned_concurrency(name)
        return sum(count for qualifier, count in requested.items() if qualifier != without)

    @operation("PutFunctionConcurrency")
    def put(self, parameters: Members) -> Members:
        """Reserve environments for a function; 0 stops it."""
        name = self._function(parameters)
        count = parameters["ReservedConcurrentExecutions"]
        if self.unreserved(without=name) - count < MINIMUM_UNRESERVED:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's"
                f" UnreservedConcurrentExecution below its minimum value of [{MINIMUM_UNRESERVED}]."
            )
        provisioned = self.provisioned(name)
        if provisioned > count:
            raise invalid(
                f" ReservedConcurrentExecutions  {count} should not be lower than function's total"
                f" provisioned concurrency [{provisioned}]."
            )
        self._registry.put_reserved_concurrency(name, count)
        self._deployments.set_reserved_concurrency(name)
        return {"ReservedConcurrentExecutions": count}

    @operation("GetFunctionConcurrency")
    def get(self, parameters: Members) -> Members:
        """What is reserved; nothing where nothing is."""
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        reserved = self._registry.reserved_concurrency(name)
        return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}

    @operation("DeleteFunctionConcurrency")
    def delete(self, parameters: Members) -> Members:
        """Reserve nothing any more."""
        name = self._function(parameters)
        self._registry.put_reserved_concurrency(name, None)
        self._deployments.set_reserved_concurrency(name)
        return {}

    def _function(self, parameters: Members) -> str:
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name, LATEST)  # AWS's text has it
        return name
