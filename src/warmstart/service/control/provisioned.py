"""Provisioned concurrency: environments of a version or alias that are started ahead.

https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
"""

from __future__ import annotations

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.concurrency import MINIMUM_UNRESERVED, Concurrency
from warmstart.service.control.configuration import invalid
from warmstart.service.control.deployment import Deployments
from warmstart.service.control.names import FunctionName, is_alias
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry
from warmstart.service.qualifiers import LATEST

__all__ = ["ProvisionedConcurrency"]


class ProvisionedConcurrency:
    """Put-, Get-, Delete- and ListProvisionedConcurrencyConfig(s).

    Documents `provisioned` by `name:qualifier`: the number that was requested, and when.
    """

    def __init__(
        self, registry: Registry, deployments: Deployments, concurrency: Concurrency
    ) -> None:
        self._registry = registry
        self._deployments = deployments
        self._concurrency = concurrency

    @operation("PutProvisionedConcurrencyConfig")
    def put(self, parameters: Members) -> Members:
        """Have environments started; the answer shows none yet."""
        if parameters["Qualifier"] == LATEST:
            raise invalid(
                "Provisioned Concurrency Configs cannot be applied to unpublished function"
                " versions."
            )
        name = self._find(parameters)
        count = parameters["ProvisionedConcurrentExecutions"]
        self._check_room(name, count)
        self._check_alias(name)
        document = {
            "RequestedProvisionedConcurrentExecutions": count,
            "LastModified": self._registry.now(),
        }
        self._registry.store.put("provisioned", _key(name), document)
        self._deployments.set_provisioned_concurrency(name.name, name.version_or_alias)
        return {
            **document,
            "AllocatedProvisionedConcurrentExecutions": 0,
            "AvailableProvisionedConcurrentExecutions": 0,
            "Status": "IN_PROGRESS",
        }

    @operation("GetProvisionedConcurrencyConfig")
    def get(self, parameters: Members) -> Members:
        """How far it is."""
        name = self._published(parameters)
        document = self._registry.store.get("provisioned", _key(name))
        if document is None:
            raise ApiError(
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        return self._output(name.name, name.version_or_alias, document)

    @operation("DeleteProvisionedConcurrencyConfig")
    def delete(self, parameters: Members) -> Members:
        """Keep no environments ready any more, if there were any."""
        name = self._published(parameters)
        if self._registry.store.delete("provisioned", _key(name)):
            self._deployments.set_provisioned_concurrency(name.name, name.version_or_alias)
        return {}

    @operation("ListProvisionedConcurrencyConfigs")
    def list(self, parameters: Members) -> Members:
        """All of a function."""
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        configs = []
        for key, document in self._registry.store.all("provisioned", f"{name}:"):
            qualifier = key.removeprefix(f"{name}:")
            arn = self._registry.arns.function(name, qualifier)
            configs.append({"FunctionArn": arn, **self._output(name, qualifier, document)})
        return page(
            "ProvisionedConcurrencyConfigs",
            configs,
            parameters,
            lambda config: str(config["FunctionArn"]),
        )

    def _output(self, name: str, qualifier: str, document: Members) -> Members:
        return {**document, **self._deployments.provisioned_concurrency(name, qualifier)}

    def _published(self, parameters: Members) -> FunctionName:
        if parameters["Qualifier"] == LATEST:
            raise invalid("The function resource provided must be an alias or a published version.")
        return self._find(parameters)

    def _find(self, parameters: Members) -> FunctionName:
        """The version or alias, if it is there; of an alias that is not, AWS has other words."""
        name = self._registry.name(parameters)
        qualifier = name.version_or_alias
        if is_alias(qualifier) and self._registry.alias(name.name, qualifier) is None:
            arn = self._registry.arns.function(name.name, qualifier)
            raise ApiError("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
        self._registry.find(name)
        return name

    def _check_room(self, name: FunctionName, count: int) -> None:
        others = self._concurrency.provisioned(name.name, without=name.version_or_alias)
        reserved = self._registry.reserved_concurrency(name.name)
        if reserved is not None:
            if others + count > reserved:
                raise invalid(
                    "Requested Provisioned Concurrency should not be greater than the"
                    " reservedConcurrentExecution for function"
                )
            return
        unreserved = self._concurrency.unreserved(without=name.name) - others
        if count > unreserved:
            raise invalid(
                "Specified ConcurrentExecutions for function is greater than account's unreserved"
                f" concurrency [{unreserved}]."
            )
        if unreserved - count < MINIMUM_UNRESERVED:
            raise invalid(
                "Specified ConcurrentExecutions for function decreases account's"
                " UnreservedConcurrentExecution below its minimum value of"
                f" [{MINIMUM_UNRESERVED}]."
            )

    def _check_alias(self, name: FunctionName) -> None:
        """A version's environments are provisioned once: for itself, or for one of its aliases."""
        version = self._registry.find(name)
        if version.settings["SnapStart"]["OptimizationStatus"] == "On":
            raise invalid(
                "Provisioned Concurrency is not supported for SnapStart enabled functions."
            )
        if "TenancyConfig" in version.settings:
            # https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
            raise invalid(
                "Provisioned Concurrency is not supported for functions with tenant isolation."
            )
        alias = self._registry.alias(name.name, name.version_or_alias)
        if alias is not None:
            if "RoutingConfig" in alias:
                raise invalid("Alias with weights can not be used with Provisioned Concurrency")
            if self._is_provisioned(name.name, version.version):
                raise ApiError(
                    "ResourceConflictException",
                    "Alias can't be used for Provisioned Concurrency configuration on an already"
                    " Provisioned version",
                )
            return
        for other in self._registry.aliases(name.name):
            leads_here = other["FunctionVersion"] == version.version
            if leads_here and self._is_provisioned(name.name, other["Name"]):
                raise ApiError(
                    "ResourceConflictException",
                    "Version is pointed by a Provisioned Concurrency alias",
                )

    def _is_provisioned(self, name: str, qualifier: str) -> bool:
        return self._registry.store.get("provisioned", f"{name}:{qualifier}") is not None


def _key(name: FunctionName) -> str:
    return f"{name.name}:{name.version_or_alias}"
