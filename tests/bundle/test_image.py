"""An image that was built runs where images run, and is built anew only where it has changed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from click.testing import CliRunner, Result

from tests.bundle.wheels import write_wheel
from tests.engine import BASE, PYTHON, building, engine, removing
from warmstart.bundle.context import write_context
from warmstart.bundle.dockerfile import dockerfile
from warmstart.cli.commands import warmstart

__all__ = ["engine"]

TAG = f"warmstart-test-build-{os.getpid()}"  # tests may run in several processes

APP = """\
import dependency
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"built"})
def handler(event, context):
    return event
"""


@pytest.fixture
def project(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    index = tmp_path / "index"
    write_wheel(index, "dependency", {"dependency/__init__.py": ""})
    # Stands for uvicorn, and shows what it would be called with.
    serving = "def run(app, host, port): print(f'serving on {host}:{port}')\n"
    write_wheel(index, "uvicorn", {"uvicorn/__init__.py": serving})
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(index))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "main.py").write_text(APP)
    (root / "requirements.txt").write_text("dependency\n")
    monkeypatch.chdir(root)
    with building():
        yield root
    with removing():
        for image in engine.images.list(TAG):
            engine.images.remove(image.id, force=True)


def build(*arguments: str, app: str = "main:app") -> Result:
    options = ("--tag", TAG, "--base", BASE, "--python", PYTHON, *arguments)
    return CliRunner().invoke(warmstart, ["build", "image", app, *options])


def run(engine: docker.DockerClient, *command: str, entrypoint: str | None = None) -> str:
    container = engine.containers.create(
        TAG, list(command) or None, entrypoint=entrypoint, network_mode="none"
    )
    try:
        container.start()
        container.wait()
        output: bytes = container.logs()
        return output.decode()
    finally:
        container.remove()


def test_outside_lambda_the_image_serves_its_app_over_plain_http(
    engine: docker.DockerClient, project: Path
) -> None:
    assert build().exit_code == 0

    assert run(engine) == "serving on 0.0.0.0:8080\n"


def test_the_layers_are_told_with_their_sizes(project: Path) -> None:
    lines = build().stdout.splitlines()

    assert any(line.startswith(f"{TAG}: ") and line.endswith(" in 3 layers") for line in lines)
    assert any(line.endswith(" in /opt/python/") for line in lines)
    assert any(line.endswith(" in /var/task/") for line in lines)


def test_what_has_not_changed_is_not_built_again(
    engine: docker.DockerClient, project: Path
) -> None:
    build()
    first = engine.images.get(TAG).id

    again = build()
    assert engine.images.get(TAG).id == first

    (project / "main.py").write_text(APP + "# changed\n")
    changed = build()
    assert again.stdout.count("(as before)") == changed.stdout.count("(as before)") + 1
    assert engine.images.get(TAG).id != first


def test_the_code_is_compiled_and_owned_by_nobody_who_runs_it(
    engine: docker.DockerClient, project: Path
) -> None:
    build()
    shown = run(
        engine,
        "-c",
        "import main, os; print(main.__cached__, os.access('.', os.W_OK), os.getuid())",
        entrypoint="python3",
    )

    assert shown == "/var/task/__pycache__/main.cpython-311.pyc False 993\n"


def test_a_dockerfile_of_the_projects_own_is_built(
    engine: docker.DockerClient, project: Path
) -> None:
    (project / "Dockerfile").write_text(
        'ARG BASE\nFROM ${BASE}\nENTRYPOINT ["echo"]\nCMD ["own"]\n'
    )

    assert build().exit_code == 0
    assert run(engine) == "own\n"


def test_a_step_that_fails_is_shown_with_its_last_words(project: Path) -> None:
    (project / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo no such luck; false\n")

    result = build()

    assert result.exit_code == 1
    assert "no such luck" in result.output
    assert "Traceback" not in result.output


def test_an_engine_that_does_not_answer_is_named_as_the_trouble(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(APP)

    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from warmstart.cli import main; main()",
            "build",
            "image",
            "main:app",
        ],
        cwd=tmp_path,
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert "Docker does not answer" in result.stderr
    assert "DOCKER_HOST" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_command_is_a_list_that_docker_reads_as_it_is() -> None:
    lines = dockerfile("python:3.13-slim", "main.app").splitlines()

    assert lines[0] == "FROM python:3.13-slim"
    command = next(line for line in lines if line.startswith("CMD "))
    assert json.loads(command.removeprefix("CMD ")) == ["main.app"]


def test_a_context_depends_on_contents_alone(tmp_path: Path) -> None:
    def context(name: str, mode: int) -> bytes:
        tree = tmp_path / name
        (tree / "package").mkdir(parents=True)
        (tree / "package" / "module.py").write_text("x = 1\n")
        (tree / "package" / "module.py").chmod(mode)
        file = io.BytesIO()
        write_context(file, "FROM scratch\n", {"code": tree})
        return file.getvalue()

    first, second = context("a", 0o600), context("b", 0o664)

    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert archive.getnames() == [
            "Dockerfile",
            "code",
            "code/package",
            "code/package/module.py",
        ]
        assert archive.getmember("code/package/module.py").mode == 0o644
