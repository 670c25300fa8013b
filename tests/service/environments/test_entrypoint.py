from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from warmstart.service.environments.driver import Places
from warmstart.service.environments.entrypoint import NoBootstrap, entrypoint
from warmstart.service.function import Function

AWS = Places("/var/task", "/opt", "/tmp", private=True)


def command(**settings: Any) -> tuple[str, ...]:
    defaults: dict[str, Any] = {"name": "f", "handler": "app.handler", "task_root": "/nowhere"}
    return entrypoint(Function(**defaults | settings), AWS)


def test_a_python_function_runs_under_warmstart_s_runtime() -> None:
    assert command() == (sys.executable, "-m", "warmstart.runtime", "app.handler")


def test_a_command_of_its_own_comes_first() -> None:
    assert command(command=("/bin/x", "y"), runtime="provided.al2023") == ("/bin/x", "y")


def test_a_command_names_code_and_layers_as_the_environment_sees_them() -> None:
    own = ("/bin/node", "/code/run.mjs", "/layers/x", "/codes/y", "app.handler")
    seen = command(command=own, task_root="/code", layers_directory="/layers")

    assert seen == ("/bin/node", "/var/task/run.mjs", "/opt/x", "/codes/y", "app.handler")


def test_a_wrapper_gets_the_runtime_s_command_line_as_its_arguments() -> None:
    wrapped = command(environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"})

    assert wrapped == ("/opt/wrapper", sys.executable, "-m", "warmstart.runtime", "app.handler")


@pytest.mark.parametrize("runtime", ["provided.al2023", "nodejs22.x"])
def test_others_bring_a_bootstrap_in_their_code_or_else_in_a_layer(
    runtime: str, tmp_path: Path
) -> None:
    code, layers = tmp_path / "code", tmp_path / "layers"
    code.mkdir()
    layers.mkdir()
    settings = {"runtime": runtime, "task_root": str(code), "layers_directory": str(layers)}
    with pytest.raises(NoBootstrap):
        command(**settings)

    (layers / "bootstrap").touch()
    assert command(**settings) == ("/opt/bootstrap",)
    (code / "bootstrap").touch()
    assert command(**settings) == ("/var/task/bootstrap",)
