"""A function's settings, made from the members of requests. Pure.

The requests have passed the model's own validation; here is what AWS demands beyond
it, in AWS's words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members, given
from warmstart.service.control.arns import Arns
from warmstart.service.control.runtimes import check_creatable, supports_snap_start
from warmstart.service.logs.files import LogFiles

__all__ = ["changed", "initial", "invalid"]

_MAX_ENVIRONMENT = 4096  # bytes of JSON

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
_RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)

# The model's own limits are those of Managed Instances.
_LIMITS = {"Timeout": ("timeout", 900), "MemorySize": ("memorySize", 10240)}
_MAX_EPHEMERAL_STORAGE = 10240

_PLAIN = (
    "Role",
    "Handler",
    "Description",
    "Timeout",
    "MemorySize",
    "TracingConfig",
    "EphemeralStorage",
    "CapacityProviderConfig",
    "DurableConfig",
    "RuntimeConfig",
    "AcceleratorConfig",
)
"""Members that are shown as they were given."""

_FIXED = ("PackageType", "Architectures", "TenancyConfig")
"""Members that only a creation sets."""


def invalid(message: str) -> ApiError:
    """AWS's error for a parameter that makes no sense."""
    return ApiError("InvalidParameterValueException", message)


def initial(parameters: Members, name: str, arns: Arns) -> Members:
    """The settings of a new function, without those of its code and layers.

    Raises:
        ApiError: AWS would not create such a function.
    """
    _check_package(parameters)
    settings: Members = {
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
    }
    if "CapacityProviderConfig" in parameters:
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html
        settings["MemorySize"] = 2048
        _set_logging(settings, {"LogFormat": "JSON"})
    settings.update(given(parameters, _FIXED))
    return changed(settings, parameters, arns)


def changed(settings: Members, parameters: Members, arns: Arns) -> Members:
    """The settings after a request; what it leaves out stays as it is.

    Raises:
        ApiError: AWS would not set them.
    """
    new = {**settings, **given(parameters, _PLAIN)}
    for member, apply in _APPLIED.items():
        if member in parameters:
            apply(new, parameters[member])
    if "Runtime" in parameters:
        _set_runtime(new, parameters["Runtime"], arns)
    _check_limits(new)
    _check_snap_start(new)
    return new


def _check_package(parameters: Members) -> None:
    given = [member for member in ("Runtime", "Handler") if parameters.get(member)]
    if parameters.get("PackageType", "Zip") == "Zip":
        if len(given) < 2:
            raise invalid(
                "Runtime and Handler are mandatory parameters for functions created with"
                " deployment packages."
            )
    elif given or parameters.get("Layers"):
        raise invalid(
            "Please don't provide Handler, Runtime or Layers when creating a function with"
            " packageType Image."
        )


def _set_runtime(settings: Members, runtime: str, arns: Arns) -> None:
    check_creatable(runtime)
    settings["Runtime"] = runtime
    # AWS's runtime versions are named by a digest; ours has one version of each.
    digest = hashlib.sha256(runtime.encode()).hexdigest()
    settings["RuntimeVersionConfig"] = {"RuntimeVersionArn": arns.runtime(digest)}


def _set_environment(settings: Members, environment: Members) -> None:
    variables = environment.get("Variables", {})
    reserved = [name for name in variables if name in _RESERVED]
    prefix = (
        "Lambda was unable to configure your environment variables because the environment"
        " variables you have provided"
    )
    if reserved:
        raise invalid(
            f"{prefix} contains reserved keys that are currently not supported for modification."
            f" Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > _MAX_ENVIRONMENT:
        raise invalid(f"{prefix} exceeded the 4KB limit. String measured: {measured}")
    settings["Environment"] = {"Variables": variables}


def _set_logging(settings: Members, given: Members) -> None:
    logging = {**settings["LoggingConfig"], **given}
    if not LogFiles.can_keep(logging["LogGroup"]):
        raise invalid(
            f"The log group's name is too long to be kept as a file here: {logging['LogGroup']}"
        )
    levels = ("ApplicationLogLevel", "SystemLogLevel")
    if logging["LogFormat"] == "JSON":
        for level in levels:
            logging.setdefault(level, "INFO")
    elif any(level in given for level in levels):
        raise invalid("Log levels can only be set when LogFormat is JSON.")
    else:
        logging = {name: value for name, value in logging.items() if name not in levels}
    settings["LoggingConfig"] = logging


def _set_vpc(settings: Members, given: Members) -> None:
    settings["VpcConfig"] = {
        "SubnetIds": given.get("SubnetIds", []),
        "SecurityGroupIds": given.get("SecurityGroupIds", []),
        "VpcId": "",  # there is no network to look it up in
        "Ipv6AllowedForDualStack": given.get("Ipv6AllowedForDualStack", False),
    }


def _set_snap_start(settings: Members, given: Members) -> None:
    apply_on = given.get("ApplyOn", "None")
    settings["SnapStart"] = {"ApplyOn": apply_on, "OptimizationStatus": "Off"}


def _set_image_config(settings: Members, given: Members) -> None:
    _set_or_clear(settings, "ImageConfigResponse", {"ImageConfig": given} if given else None)


def _set_dead_letter(settings: Members, given: Members) -> None:
    _set_or_clear(settings, "DeadLetterConfig", given if given.get("TargetArn") else None)


def _set_or_clear(settings: Members, member: str, value: Any) -> None:
    if value:
        settings[member] = value
    else:
        settings.pop(member, None)


_APPLIED: dict[str, Callable[[Members, Any], None]] = {
    "Environment": _set_environment,
    "LoggingConfig": _set_logging,
    "VpcConfig": _set_vpc,
    "SnapStart": _set_snap_start,
    "ImageConfig": _set_image_config,
    "DeadLetterConfig": _set_dead_letter,
    "KMSKeyArn": lambda settings, given: _set_or_clear(settings, "KMSKeyArn", given),
    "FileSystemConfigs": lambda settings, given: _set_or_clear(
        settings, "FileSystemConfigs", given
    ),
}


def _check_limits(settings: Members) -> None:
    if "CapacityProviderConfig" in settings:
        return
    for member, (path, limit) in _LIMITS.items():
        if settings[member] > limit:
            raise _above(settings[member], path, limit)
    if settings["EphemeralStorage"]["Size"] > _MAX_EPHEMERAL_STORAGE:
        raise _above(
            settings["EphemeralStorage"]["Size"], "ephemeralStorage.size", _MAX_EPHEMERAL_STORAGE
        )


def _above(value: int, path: str, limit: int) -> ApiError:
    return invalid(
        f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint:"
        f" Member must have value less than or equal to {limit}"
    )


def _check_snap_start(settings: Members) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes
    if settings["SnapStart"]["ApplyOn"] == "None":
        return
    runtime = settings.get("Runtime")
    if runtime is None or not supports_snap_start(runtime):
        raise invalid(f"{runtime} is not supported for SnapStart enabled functions.")
    large = settings["EphemeralStorage"]["Size"] > 512
    for member in ["EphemeralStorage"] * large + ["FileSystemConfigs", "TenancyConfig"]:
        if member in settings:
            raise invalid(f"{member} is not supported for SnapStart enabled functions.")
