"""Which program an environment starts as its runtime.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
"""

from __future__ import annotations

import os

from warmstart.service.environments.driver import Places
from warmstart.service.function import Function

__all__ = ["NoBootstrap", "entrypoint"]


class NoBootstrap(Exception):
    """The function's runtime is its own to bring, and it brings none."""


def entrypoint(function: Function, places: Places) -> tuple[str, ...]:
    """The command line of the runtime, its paths as the environment sees them.

    What an image says comes first, then a command of the function's own. Else Python
    functions get warmstart's own runtime, started by the wrapper that they name, if any,
    and all others bring a program called `bootstrap`.

    Raises:
        NoBootstrap: they do not.
    """
    image = places.image
    if image is not None and image.command:
        return image.command
    if function.command:
        return tuple(_as_seen(argument, function, places) for argument in function.command)
    if function.runtime.startswith("python"):
        python = function.python if image is None else image.python
        command = (python, "-m", "warmstart.runtime", function.handler)
        wrapper = function.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
        return command if wrapper is None else (wrapper, *command)
    for real, seen in _roots(function, places):
        if os.path.lexists(f"{real}/bootstrap"):
            return (f"{seen}/bootstrap",)
    raise NoBootstrap


def _as_seen(argument: str, function: Function, places: Places) -> str:
    """A path below the code or the layers, as the environment sees it; anything else as it is."""
    for real, seen in _roots(function, places):
        if argument.startswith(f"{real}/"):
            return f"{seen}/{argument.removeprefix(f'{real}/')}"
    return argument


def _roots(function: Function, places: Places) -> list[tuple[str, str]]:
    roots = [(function.task_root, places.task_root), (function.layers_directory, places.layers)]
    return [(real, seen) for real, seen in roots if real is not None and seen is not None]
