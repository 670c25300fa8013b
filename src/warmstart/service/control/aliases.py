"""Aliases: names that lead to a version, or to two with weights.

https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
"""

from __future__ import annotations

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.deployment import Deployments
from warmstart.service.control.names import is_version
from warmstart.service.control.pagination import page
from warmstart.service.control.registry import Registry, check_revision
from warmstart.service.qualifiers import LATEST

__all__ = ["Aliases"]


class Aliases:
    """CreateAlias, GetAlias, UpdateAlias, DeleteAlias and ListAliases."""

    def __init__(self, registry: Registry, deployments: Deployments) -> None:
        self._registry = registry
        self._deployments = deployments

    @operation("CreateAlias")
    def create(self, parameters: Members) -> Members:
        """Give a name to a version."""
        name = self._registry.unqualified_name(parameters)
        version = self._version(name, parameters["FunctionVersion"])
        arn = self._registry.arns.function(name, parameters["Name"])
        if self._registry.alias(name, parameters["Name"]) is not None:
            raise ApiError("ResourceConflictException", f"Alias already exists: {arn}")
        alias = {
            "Name": parameters["Name"],
            "FunctionVersion": version,
            "Description": parameters.get("Description", ""),
        }
        return self._put(name, alias | self._routing(name, version, parameters))

    @operation("GetAlias")
    def get(self, parameters: Members) -> Members:
        """An alias."""
        name = self._registry.unqualified_name(parameters)
        return self._output(name, self._alias(name, parameters["Name"]))

    @operation("UpdateAlias")
    def update(self, parameters: Members) -> Members:
        """Lead an alias elsewhere; its revision changes even if nothing else does."""
        name = self._registry.unqualified_name(parameters)
        alias = self._alias(name, parameters["Name"])
        check_revision(parameters, alias["RevisionId"])
        for member in ("FunctionVersion", "Description"):
            alias[member] = parameters.get(member, alias[member])
        version = self._version(name, alias["FunctionVersion"])
        # Weights that stay must still fit the version.
        routing = self._routing(
            name, version, parameters if "RoutingConfig" in parameters else alias
        )
        alias.pop("RoutingConfig", None)
        return self._put(name, alias | routing)

    @operation("DeleteAlias")
    def delete(self, parameters: Members) -> Members:
        """Delete an alias, if there is such a one."""
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        if self._registry.delete_qualifier(name, parameters["Name"]):
            self._deployments.delete_alias(name, parameters["Name"])
        return {}

    @operation("ListAliases")
    def list(self, parameters: Members) -> Members:
        """A function's aliases, or those that lead to one of its versions."""
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        wanted = parameters.get("FunctionVersion")
        aliases = [
            self._output(name, alias)
            for alias in self._registry.aliases(name)
            if wanted in (None, alias["FunctionVersion"])
        ]
        return page("Aliases", aliases, parameters, lambda alias: str(alias["Name"]))

    def _alias(self, name: str, alias: str) -> Members:
        self._registry.check_function(name)
        found = self._registry.alias(name, alias)
        if found is None:
            arn = self._registry.arns.function(name, alias)
            raise ApiError("ResourceNotFoundException", f"Cannot find alias arn: {arn}")
        return found

    def _put(self, name: str, alias: Members) -> Members:
        alias = alias | {"RevisionId": self._registry.new_revision()}
        self._registry.put_alias(name, alias)
        self._deployments.set_alias(name, alias)
        return self._output(name, alias)

    def _output(self, name: str, alias: Members) -> Members:
        return {"AliasArn": self._registry.arns.function(name, alias["Name"]), **alias}

    def _version(self, name: str, version: str) -> str:
        """The version, if it is there."""
        self._registry.check_function(name, version)
        return self._registry.version(name, version).version

    def _routing(self, name: str, version: str, parameters: Members) -> Members:
        """The alias's `RoutingConfig`; AWS leaves it out where it has no weights."""
        weights = parameters.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        if not weights:
            return {}
        if len(weights) > 1:
            raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
        (other,) = weights
        if other == version:
            raise invalid(
                f"Invalid function version {version}. Function version {version} is already"
                " included in routing configuration."
            )
        if LATEST in (version, other) or not is_version(other):
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        self._registry.version(name, other)
        return {"RoutingConfig": {"AdditionalVersionWeights": weights}}
