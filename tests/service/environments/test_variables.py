from __future__ import annotations

import os
import site
import sys
from pathlib import Path

import pytest

import warmstart
from warmstart.service.environments.driver import Places
from warmstart.service.environments.variables import variables
from warmstart.service.function import Function

PACKAGE_ROOT = str(Path(warmstart.__file__).resolve().parents[1])


def of(environment: dict[str, str], command: tuple[str, ...] = ()) -> dict[str, str]:
    function = Function(
        name="f", handler="app.handler", task_root="/code", environment=environment, command=command
    )
    return variables(
        function,
        Places("/code", None, "/tmp/x"),
        runtime_api="127.0.0.1:9001",
        region="eu-west-1",
        log_stream_name="stream",
        initialization_type="on-demand",
    )


def test_the_user_may_replace_defaults_but_not_the_platform_s_own() -> None:
    result = of({"PATH": "/bin", "AWS_REGION": "r", "TZ": "X", "_HANDLER": "x", "PWD": "y"})

    assert (result["PATH"], result["AWS_REGION"], result["TZ"]) == ("/bin", "r", "X")
    assert (result["_HANDLER"], result["PWD"]) == ("app.handler", "/code")


def test_the_function_s_python_comes_first_on_the_path() -> None:
    assert of({})["PATH"].split(":")[0] == os.path.dirname(sys.executable)


def test_from_a_source_tree_the_child_finds_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "getsitepackages", lambda: ["/elsewhere"])

    assert of({})["PYTHONPATH"] == PACKAGE_ROOT
    assert of({"PYTHONPATH": "lib"})["PYTHONPATH"] == f"{PACKAGE_ROOT}:lib"


def test_an_installed_package_needs_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "getsitepackages", lambda: [PACKAGE_ROOT])

    assert "PYTHONPATH" not in of({})
    assert of({"PYTHONPATH": "lib"})["PYTHONPATH"] == "lib"


def test_a_program_of_its_own_gets_no_path_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "getsitepackages", lambda: ["/elsewhere"])

    assert "PYTHONPATH" not in of({}, ("/var/task/bootstrap",))
