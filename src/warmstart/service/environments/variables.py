"""The variables an environment starts with: AWS's own set, with honest local values.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

import os
import site
from collections.abc import Mapping
from pathlib import Path

from warmstart.service.environments.driver import Places
from warmstart.service.function import Function

__all__ = ["variables"]

_PACKAGE = Path(__file__).resolve().parents[2]

_XRAY_HOST = "127.0.0.1"
_XRAY_PORT = "2000"


def variables(
    function: Function,
    places: Places,
    *,
    runtime_api: str,
    region: str,
    log_stream_name: str,
    initialization_type: str,
    configured: Mapping[str, str],
) -> dict[str, str]:
    """Everything the environment's process sees: defaults, the user's, then the platform's.

    `configured` is what the service gives all functions: credentials, endpoints.
    The user may set PATH, the region or credentials; what tells the runtime who
    and where it is cannot be overridden, as on AWS.
    """
    return {
        **_search_paths(function, places),
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "TZ": ":UTC",
        "SHLVL": "0",
        # AWS has its X-Ray daemon there. Here is none; what is sent to it is lost.
        "AWS_XRAY_DAEMON_ADDRESS": f"{_XRAY_HOST}:{_XRAY_PORT}",
        "_AWS_XRAY_DAEMON_ADDRESS": _XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": _XRAY_PORT,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        **({} if places.private else {"TMPDIR": places.temporary}),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **({} if places.image is None else places.image.variables),
        **configured,
        **function.environment,
        **_python_path(function, places),
        **_platform(function, places),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream_name,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
    }


def _search_paths(function: Function, places: Places) -> dict[str, str]:
    own = [] if places.image is not None else [os.path.dirname(function.python)]
    programs = [*own, "/usr/local/bin", "/usr/bin", "/bin"]
    libraries = [places.task_root, f"{places.task_root}/lib"]
    if places.layers is not None:
        programs.append(f"{places.layers}/bin")
        libraries.append(f"{places.layers}/lib")
    return {"PATH": os.pathsep.join(programs), "LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def _platform(function: Function, places: Places) -> dict[str, str]:
    found = {
        "_HANDLER": function.handler,
        "PWD": places.working_directory,
        "LAMBDA_TASK_ROOT": places.task_root,
        "LAMBDA_RUNTIME_DIR": str(_PACKAGE / "runtime") if places.image is None else "/var/runtime",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
    }
    if not function.runtime.startswith("provided"):
        found["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    if function.max_environment_concurrency > 1:
        found["AWS_LAMBDA_MAX_CONCURRENCY"] = str(function.max_environment_concurrency)
    if function.log_format == "JSON":
        found["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        found["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level
    return found


def _python_path(function: Function, places: Places) -> dict[str, str]:
    """Lets a Python child import its layers, and warmstart where it is not installed.

    An installed warmstart is found without help, and to put site-packages on
    PYTHONPATH would place it before the standard library.
    """
    if function.image is not None or not function.runtime.startswith("python"):
        return {}
    found = [] if function.command else _own_packages(function, places)
    if own := function.environment.get("PYTHONPATH"):
        found.append(own)
    if places.layers is not None:
        python = f"{places.layers}/python"
        found += [python, f"{python}/lib/{function.runtime}/site-packages"]
    if function.sdk_path is not None and places.image is None:
        found.append(function.sdk_path)
    return {"PYTHONPATH": os.pathsep.join(found)} if found else {}


def _own_packages(function: Function, places: Places) -> list[str]:
    if places.image is not None:
        return [] if places.image.packages is None else [places.image.packages]
    root = function.python_path or str(_PACKAGE.parent)
    installed = root in {os.path.realpath(path) for path in site.getsitepackages()}
    return [] if installed else [root]
