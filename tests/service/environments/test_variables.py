from __future__ import annotations

import os
import site
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import warmstart
from warmstart.service.environments.driver import Places
from warmstart.service.environments.variables import variables
from warmstart.service.function import Function

PACKAGE_ROOT = str(Path(warmstart.__file__).resolve().parents[1])


IN_PLACE = Places("/code", None, "/tmp/x")


def of(
    environment: dict[str, str],
    command: tuple[str, ...] = (),
    places: Places = IN_PLACE,
    configured: Mapping[str, str] = {},
    **settings: Any,
) -> dict[str, str]:
    function = Function(
        name="f",
        handler="app.handler",
        task_root="/code",
        environment=environment,
        command=command,
        **settings,
    )
    return variables(
        function,
        places,
        runtime_api="127.0.0.1:9001",
        region="eu-west-1",
        log_stream_name="stream",
        initialization_type="on-demand",
        configured=configured,
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


def test_the_paths_are_where_things_are() -> None:
    private = Places("/var/task", "/opt", "/tmp", private=True)
    found = of({}, places=private, runtime="python3.13")
    in_place = of({}, places=Places("/code", "/layers", "/tmp/x"))

    assert found["LAMBDA_TASK_ROOT"] == found["PWD"] == "/var/task"
    assert found["PATH"].endswith(":/usr/local/bin:/usr/bin:/bin:/opt/bin")
    assert found["LD_LIBRARY_PATH"] == "/var/task:/var/task/lib:/opt/lib"
    assert found["PYTHONPATH"].endswith("/opt/python:/opt/python/lib/python3.13/site-packages")
    assert "TMPDIR" not in found
    assert in_place["LD_LIBRARY_PATH"] == "/code:/code/lib:/layers/lib"
    assert in_place["TMPDIR"] == "/tmp/x"


def test_a_custom_runtime_gets_neither_python_s_paths_nor_a_name_of_its_surroundings() -> None:
    found = of({}, places=Places("/var/task", "/opt", "/tmp"), runtime="provided.al2023")

    assert "PYTHONPATH" not in found
    assert "AWS_EXECUTION_ENV" not in found


def test_what_the_service_gives_all_may_be_replaced_by_the_user() -> None:
    given = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "service's"}
    found = of({"AWS_ACCESS_KEY_ID": "mine"}, configured=given | {"_HANDLER": "x"})

    assert found["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:1"
    assert found["AWS_ACCESS_KEY_ID"] == "mine"
    assert found["_HANDLER"] == "app.handler"


def test_the_log_s_format_is_told_if_it_is_not_text() -> None:
    json = of({}, log_format="JSON", application_log_level="DEBUG")

    assert (json["AWS_LAMBDA_LOG_FORMAT"], json["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "DEBUG")
    assert "AWS_LAMBDA_LOG_FORMAT" not in of({})
