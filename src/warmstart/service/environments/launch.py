"""The external extensions of an environment, as programs: found in its layers, started, ended.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from warmstart.service import errors
from warmstart.service.environments.driver import Enclosure, Places, Running
from warmstart.service.environments.extension import MAX_EXTENSIONS, State
from warmstart.service.environments.extensions import Extensions
from warmstart.service.errors import Fault
from warmstart.service.function import Function

__all__ = ["DISABLED", "Launcher", "extension_variables", "external_extensions"]

DISABLED = "disable-extensions-jwigqn8j"
"""A file of this name beside the layers' `extensions` turns all of them off, on AWS too."""

_RUNTIME_ONLY = {
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_LEVEL",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "PYTHONPATH",
}
"""What only the runtime is told. What begins with `_` is for nobody else either."""


class Launching(Protocol):
    """The sandbox, as far as its extensions' programs need it."""

    function: Function
    extensions: Extensions

    def variables(self, places: Places, runtime_api: str) -> dict[str, str]: ...
    def extension_output(self, name: str, line: str) -> None: ...


def external_extensions(layers: str | Path | None) -> list[str]:
    """The names of the programs in the layers that are extensions, in order."""
    if layers is None:
        return []
    directory = Path(layers, "extensions")
    if Path(layers, DISABLED).exists() or not directory.is_dir():
        return []
    return sorted(each.name for each in directory.iterdir() if not each.is_dir())


def extension_variables(variables: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Those of a runtime's variables that its extensions get, too; `own` are the function's."""
    found = {
        name: value
        for name, value in variables.items()
        if name not in _RUNTIME_ONLY and not name.startswith("_")
    }
    if "PYTHONPATH" in own:
        found["PYTHONPATH"] = own["PYTHONPATH"]
    return found


class Launcher:
    """Starts the external extensions of `sandbox`. `on_exit` gets the code of one that ends."""

    def __init__(self, sandbox: Launching, on_exit: Callable[[int], None]) -> None:
        self._sandbox = sandbox
        self._on_exit = on_exit
        self._running: dict[str, Running] = {}

    @property
    def any(self) -> bool:
        """Whether any was started, and not waited for."""
        return bool(self._running)

    async def start(
        self, enclosure: Enclosure, runtime_api: str, is_unwanted: Callable[[], bool]
    ) -> Fault | None:
        """Start all, and return when they have registered; or what went wrong.

        Nothing more is started once `is_unwanted`.
        """
        function, extensions = self._sandbox.function, self._sandbox.extensions
        names = external_extensions(enclosure.layers)
        if not names:
            return None
        places = enclosure.places
        variables = extension_variables(
            self._sandbox.variables(places, runtime_api), function.environment
        )
        for name in names:
            extension = extensions.registry.launch(name)
            if len(extensions.registry) > MAX_EXTENSIONS:
                extension.move(State.LAUNCH_ERROR, "TooManyExtensions")
                return errors.too_many_extensions(MAX_EXTENSIONS)
            program = f"{places.layers}/extensions/{name}"
            try:
                running = await enclosure.start(
                    [program],
                    variables,
                    partial(self._sandbox.extension_output, name),
                    self._on_exit,
                )
            except OSError as error:
                denied = isinstance(error, PermissionError)
                extension.move(State.LAUNCH_ERROR, "PermissionDenied" if denied else "UnknownError")
                return errors.unlaunchable(program, error)
            self._running[name] = running
            if is_unwanted():
                return errors.sandbox_failure()
        return await extensions.wait_registered()

    def kill(self, but: Collection[str] = ()) -> None:
        """End all at once, but those."""
        for name, running in self._running.items():
            if name not in but:
                running.kill()

    async def wait_closed(self) -> None:
        """Return when all have ended and nothing that they started is left."""
        for running in self._running.values():
            await running.wait_closed()
        self._running.clear()
