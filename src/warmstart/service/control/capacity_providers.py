"""Capacity providers: what functions on Lambda Managed Instances run on.

On AWS they stand for EC2 instances. Here functions that name one run on this machine
as all others do, with several invocations at once in an environment; a provider is
what they name, and is there as soon as it is made.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
"""

from __future__ import annotations

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given, operation
from warmstart.service.control.pagination import page
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry

__all__ = ["CapacityProviders"]

_KIND = "capacity_provider"
_CHANGEABLE = ("CapacityProviderScalingConfig", "PropagateTags", "TelemetryConfig")
_SETTINGS = (
    "VpcConfig",
    "PermissionsConfig",
    "InstanceRequirements",
    "KmsKeyArn",
    *_CHANGEABLE,
)


class CapacityProviders:
    """The six operations on capacity providers, kept by their names."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @operation("CreateCapacityProvider")
    def create(self, parameters: Members) -> Members:
        """Make a provider; its answer tells of the state that it has left when it is read."""
        name = _name(parameters)
        if self._registry.store.get(_KIND, name) is not None:
            raise ApiError(
                "ResourceConflictException", f"Capacity provider already exists: {self._arn(name)}"
            )
        provider: Members = {
            "CapacityProviderArn": self._arn(name),
            "State": "Active",
            "InstanceRequirements": {"Architectures": ["x86_64"]},
            "CapacityProviderScalingConfig": {"ScalingMode": "Auto"},
            **given(parameters, _SETTINGS),
        }
        with self._registry.transaction():
            output = self._put(name, provider)
            if parameters.get("Tags"):
                self._registry.put_tags(self._arn(name), parameters["Tags"])
        return {"CapacityProvider": output | {"State": "Pending"}}

    @operation("GetCapacityProvider")
    def get(self, parameters: Members) -> Members:
        """A provider."""
        return {"CapacityProvider": self._existing(_name(parameters))}

    @operation("UpdateCapacityProvider")
    def update(self, parameters: Members) -> Members:
        """Change what is given of a provider."""
        name = _name(parameters)
        provider = self._existing(name) | given(parameters, _CHANGEABLE)
        return {"CapacityProvider": self._put(name, provider)}

    @operation("DeleteCapacityProvider")
    def delete(self, parameters: Members) -> Members:
        """Delete a provider that no function's version names."""
        name = _name(parameters)
        provider = self._existing(name)
        if versions := self._versions(name):
            raise ApiError(
                "ResourceConflictException",
                f"The capacity provider {self._arn(name)} is in use by {len(versions)} function"
                f" version(s), such as {self._arn_of(versions[0])}.",
            )
        with self._registry.transaction():
            self._registry.store.delete(_KIND, name)
            self._registry.store.delete("tags", self._arn(name))
        return {"CapacityProvider": provider | {"State": "Deleting"}}

    @operation("ListCapacityProviders")
    def list_providers(self, parameters: Members) -> Members:
        """All providers, or those in a state."""
        wanted = parameters.get("State")
        providers = [
            provider
            for _, provider in self._registry.store.all(_KIND)
            if wanted in (None, provider["State"])
        ]
        return page(
            "CapacityProviders",
            providers,
            parameters,
            lambda provider: str(provider["CapacityProviderArn"]),
        )

    @operation("ListFunctionVersionsByCapacityProvider")
    def list_versions(self, parameters: Members) -> Members:
        """The versions of functions that name a provider."""
        name = _name(parameters)
        self._existing(name)
        versions = [
            {"FunctionArn": self._arn_of(version), "State": version.state["State"]}
            for version in self._versions(name)
        ]
        output = page(
            "FunctionVersions", versions, parameters, lambda version: str(version["FunctionArn"])
        )
        return {"CapacityProviderArn": self._arn(name), **output}

    def check_exists(self, name: str) -> None:
        """Raise `ApiError` if there is no provider of that name."""
        self._existing(name)

    def _existing(self, name: str) -> Members:
        provider = self._registry.store.get(_KIND, name)
        if provider is None:
            raise ApiError(
                "ResourceNotFoundException", f"Capacity provider not found: {self._arn(name)}"
            )
        return provider

    def _put(self, name: str, provider: Members) -> Members:
        provider = provider | {"LastModified": self._registry.now()}
        self._registry.store.put(_KIND, name, provider)
        return provider

    def _arn(self, name: str) -> str:
        return self._registry.arns.capacity_provider(name)

    def _arn_of(self, version: FunctionVersion) -> str:
        return self._registry.arns.function(version.name, version.version)

    def _versions(self, name: str) -> list[FunctionVersion]:
        return [each for each in self._registry.versions() if _provider(each) == self._arn(name)]


def _name(parameters: Members) -> str:
    """The plain name; an ARN is as good to name a provider by."""
    return str(parameters["CapacityProviderName"]).rpartition(":")[2]


def _provider(version: FunctionVersion) -> str | None:
    config = version.settings.get("CapacityProviderConfig", {})
    arn: str | None = config.get("LambdaManagedInstancesCapacityProviderConfig", {}).get(
        "CapacityProviderArn"
    )
    return arn
