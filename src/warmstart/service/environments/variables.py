"""The variables an environment starts with: AWS's own set, with honest local values.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
"""

from __future__ import annotations

import os
import site
from pathlib import Path

from warmstart.service.environments.driver import Places
from warmstart.service.function import Function

__all__ = ["variables"]

_PACKAGE = Path(__file__).resolve().parents[2]


def variables(
    function: Function,
    places: Places,
    *,
    runtime_api: str,
    region: str,
    log_stream_name: str,
    initialization_type: str,
) -> dict[str, str]:
    """Everything the environment's process sees: defaults, then the user's, then the platform's.

    The user may set PATH, the region or credentials; what tells the runtime who
    and where it is cannot be overridden, as on AWS.
    """
    return {
        "PATH": f"{os.path.dirname(function.python)}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
        "TZ": ":UTC",
        "SHLVL": "0",
        "TMPDIR": places.temporary,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **function.environment,
        **_python_path(function),
        **_platform(function, places),
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream_name,
        "AWS_LAMBDA_INITIALIZATION_TYPE": initialization_type,
    }


def _platform(function: Function, places: Places) -> dict[str, str]:
    return {
        "_HANDLER": function.handler,
        "PWD": places.task_root,
        "LAMBDA_TASK_ROOT": places.task_root,
        "LAMBDA_RUNTIME_DIR": str(_PACKAGE / "runtime"),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
    }


def _python_path(function: Function) -> dict[str, str]:
    """Lets the child import warmstart where it runs from a source tree, or on another Python.

    An installed warmstart is found without help, and to put site-packages on
    PYTHONPATH would place it before the standard library.
    """
    root = function.python_path or str(_PACKAGE.parent)
    if function.command or root in {os.path.realpath(path) for path in site.getsitepackages()}:
        return {}
    own = function.environment.get("PYTHONPATH")
    return {"PYTHONPATH": f"{root}{os.pathsep}{own}" if own else root}
