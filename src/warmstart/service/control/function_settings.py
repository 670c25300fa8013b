"""What can be set of a function besides its configuration: three small pairs of operations."""

from __future__ import annotations

from warmstart.service.api.operations import Members, operation
from warmstart.service.control.configuration import invalid
from warmstart.service.control.names import is_alias
from warmstart.service.control.records import FunctionVersion
from warmstart.service.control.registry import Registry
from warmstart.service.control.states import check_settled

__all__ = ["FunctionScaling", "Recursion", "RuntimeManagement"]


class RuntimeManagement:
    """When a version gets another version of its runtime.

    There is one version of each runtime here, so that this only remembers what was set.
    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.own("runtime_management")

    @operation("PutRuntimeManagementConfig")
    def put(self, parameters: Members) -> Members:
        """Set it for a version."""
        version, arn = self._find(parameters)
        check_settled(version, arn)
        setting = {"UpdateRuntimeOn": parameters["UpdateRuntimeOn"]}
        wanted = parameters.get("RuntimeVersionArn")
        if setting["UpdateRuntimeOn"] == "Manual":
            available = version.settings.get("RuntimeVersionConfig", {}).get("RuntimeVersionArn")
            if wanted is None:
                raise invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
            if wanted != available:
                raise invalid(f"Runtime version {wanted} is not available, but {available} is.")
            setting["RuntimeVersionArn"] = wanted
        elif wanted is not None:
            raise invalid("RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual.")
        self._registry.store.put("runtime_management", f"{version.name}:{version.version}", setting)
        return {"FunctionArn": arn, **setting}

    @operation("GetRuntimeManagementConfig")
    def get(self, parameters: Members) -> Members:
        """What is set for a version."""
        version, arn = self._find(parameters)
        key = f"{version.name}:{version.version}"
        setting = self._registry.store.get("runtime_management", key)
        return {"FunctionArn": arn, **(setting or {"UpdateRuntimeOn": "Auto"})}

    def _find(self, parameters: Members) -> tuple[FunctionVersion, str]:
        name = self._registry.name(parameters)
        if name.qualifier is not None and is_alias(name.qualifier):
            raise invalid(
                f"Qualifier must be $LATEST or a version, not the alias {name.qualifier}."
            )
        arn = self._registry.arns.function(name.name, name.qualifier)
        return self._registry.find(name), arn


class Recursion:
    """Whether a function's recursive loops are stopped.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.own("recursion")

    def recursive_loop(self, name: str) -> str:
        """`Terminate`, AWS's default, or `Allow`."""
        setting = self._registry.store.get("recursion", name)
        return "Terminate" if setting is None else str(setting["RecursiveLoop"])

    @operation("PutFunctionRecursionConfig")
    def put(self, parameters: Members) -> Members:
        """Set it for a function."""
        name = self._function(parameters)
        self._registry.store.put("recursion", name, {"RecursiveLoop": parameters["RecursiveLoop"]})
        return {"RecursiveLoop": parameters["RecursiveLoop"]}

    @operation("GetFunctionRecursionConfig")
    def get(self, parameters: Members) -> Members:
        """What is set for a function."""
        return {"RecursiveLoop": self.recursive_loop(self._function(parameters))}

    def _function(self, parameters: Members) -> str:
        name = self._registry.unqualified_name(parameters)
        self._registry.check_function(name)
        return name


class FunctionScaling:
    """How many environments a published version on Managed Instances has.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        registry.own("scaling")

    @operation("PutFunctionScalingConfig")
    def put(self, parameters: Members) -> Members:
        """Set the least and the most."""
        version, _ = self._find(parameters)
        config = parameters.get("FunctionScalingConfig", {})
        least, most = (config.get(f"{end}ExecutionEnvironments") for end in ("Min", "Max"))
        if least is not None and most is not None and least > most:
            raise invalid(
                f"MinExecutionEnvironments ({least}) must not be greater than"
                f" MaxExecutionEnvironments ({most})."
            )
        self._registry.store.put("scaling", f"{version.name}:{version.version}", config)
        return {"FunctionState": version.state["State"]}

    @operation("GetFunctionScalingConfig")
    def get(self, parameters: Members) -> Members:
        """What is set."""
        version, arn = self._find(parameters)
        config = self._registry.store.get("scaling", f"{version.name}:{version.version}")
        return {"FunctionArn": arn, "AppliedFunctionScalingConfig": config or {}}

    def _find(self, parameters: Members) -> tuple[FunctionVersion, str]:
        name = self._registry.name(parameters)
        version = self._registry.find(name)
        if "CapacityProviderConfig" not in version.settings:
            raise invalid(
                f"The function {name.name} has no CapacityProviderConfig: only functions on Lambda"
                " Managed Instances have a scaling configuration."
            )
        return version, self._registry.arns.function(name.name, name.qualifier)
