from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from warmstart.service.control.runtimes import (
    Interpreters,
    Program,
    RuntimeUnavailable,
    program,
)

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def chosen(runtime: str, code: Path, layers: Path | None = None) -> Program:
    interpreters = Interpreters()
    try:
        return program(runtime, "app.handler", code, layers, interpreters)
    finally:
        interpreters.close()


def refused(runtime: str, code: Path, layers: Path | None = None) -> str:
    with pytest.raises(RuntimeUnavailable) as caught:
        chosen(runtime, code, layers)
    return str(caught.value)


def test_the_python_we_run_on_serves_its_own_runtime(tmp_path: Path) -> None:
    assert chosen(f"python{OWN}", tmp_path) == Program(python=sys.executable, python_path=None)


def test_another_python_is_found_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = executable(tmp_path / "bin/python3.77", "#!/bin/sh\necho 3.77\n")
    monkeypatch.setenv("PATH", str(other.parent))
    assert chosen("python3.77", tmp_path).python == str(other)


def test_a_stand_in_on_the_path_that_runs_nothing_is_passed_over_for_pyenvs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What pyenv's shims do for a version that is not chosen.
    executable(tmp_path / "shims/python3.77", "#!/bin/sh\nexit 127\n")
    older = executable(tmp_path / "versions/3.77.1/bin/python", "#!/bin/sh\necho 3.76\n")
    executable(tmp_path / "versions/3.77.0/bin/python", "#!/bin/sh\necho 3.77\n")
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert chosen("python3.77", tmp_path).python == str(
        older.parents[2] / "3.77.0" / "bin" / "python"
    )


def test_functions_that_are_deployed_at_once_share_one_link_to_warmstart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "bin/python3.77", "#!/bin/sh\necho 3.77\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    together = threading.Barrier(2)

    def make(prefix: str) -> str:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        return mkdtemp(prefix=prefix, dir=tmp_path)

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    interpreters = Interpreters()
    with ThreadPoolExecutor(2) as threads:
        programs = list(threads.map(interpreters.program, ["3.77", "3.77"]))
    assert programs[0] == programs[1]
    interpreters.close()
    assert os.listdir(tmp_path) == ["bin"]


def test_a_python_that_is_not_here_is_never_replaced_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert refused("python3.77", tmp_path) == (
        "python3.77 is not on this machine: install it so that python3.77 is on PATH (or with"
        f" pyenv), or choose the Runtime python{OWN}, which is here"
    )
    # It is looked for again, as it may have been installed since.
    interpreters = Interpreters()
    with pytest.raises(RuntimeUnavailable):
        interpreters.program("3.77")
    other = executable(tmp_path / "python3.77", "#!/bin/sh\necho 3.77\n")
    assert interpreters.program("3.77").python == str(other)
    interpreters.close()


def test_another_python_finds_warmstart_and_nothing_that_is_installed_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "python3.77", "#!/bin/sh\necho 3.77\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    interpreters = Interpreters()
    places = {interpreters.program("3.77").python_path for _ in range(2)}
    (place,) = places
    assert place is not None
    assert os.listdir(place) == ["warmstart"]
    assert Path(place, "warmstart", "runtime", "__main__.py").exists()

    interpreters.close()
    assert not os.path.exists(place)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_another_python_finds_boto3_and_all_it_needs(version: str) -> None:
    interpreters = Interpreters()
    try:
        program = interpreters.program(version)
    except RuntimeUnavailable as error:
        pytest.skip(str(error))
    if program.sdk_path is None:
        pytest.skip("it is our own Python")
    done = subprocess.run(
        [program.python, "-S", "-c", "import boto3; boto3.client('lambda')"],
        env={"PYTHONPATH": program.sdk_path, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    interpreters.close()
    assert done.returncode == 0, done.stderr


def test_a_python_older_than_warmstart_itself_is_refused(tmp_path: Path) -> None:
    assert "needs Python 3.11 or newer" in refused("python3.10", tmp_path)


def test_a_custom_runtime_is_left_to_the_environment_to_find(tmp_path: Path) -> None:
    # AWS, too, finds out whether there is a bootstrap when it starts an environment.
    assert chosen("provided.al2023", tmp_path) == Program()


def test_a_runtime_of_aws_that_is_not_here_can_be_brought(tmp_path: Path) -> None:
    assert "put a runtime client into" in refused("ruby3.4", tmp_path)
    executable(tmp_path / "bootstrap")
    assert chosen("ruby3.4", tmp_path) == Program()


def test_node_runs_the_client_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = executable(tmp_path / "bin/node")
    monkeypatch.setenv("PATH", str(node.parent))
    code, layers = tmp_path / "code", tmp_path / "layers"
    assert "no runtime client" in refused("nodejs22.x", code, layers)

    client = "node_modules/aws-lambda-ric/bin/index.mjs"
    in_layer = executable(layers / "nodejs" / client)
    expected = (str(node), str(in_layer), "app.handler")
    assert chosen("nodejs22.x", code, layers).command == expected
    in_code = executable(code / client)
    assert chosen("nodejs22.x", code, layers).command == (str(node), str(in_code), "app.handler")

    monkeypatch.setenv("PATH", os.devnull)
    assert "node is not on this machine's PATH" in refused("nodejs22.x", code, layers)
