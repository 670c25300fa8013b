"""`warmstart dev --isolation docker` as a person runs it, on a real engine."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import docker
import pytest

from tests.chain.serving import request
from tests.cli.running import COMMAND, Running, started
from tests.engine import BASE, engine

__all__ = ["engine"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containers are served by root")

APP = """
import os
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    print("from", os.getcwd())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s"})
"""
OPTIONS = ("dev", "main:app", "--isolation", "docker", "--image", BASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    (tmp_path / "main.py").write_text(APP % "old")
    return tmp_path


def containers_of(running: Running, engine: docker.DockerClient) -> set[str]:
    mine = {"label": f"warmstart.owner={running.process.pid}"}
    return {each.id for each in engine.containers.list(all=True, filters=mine)}


def wait_until_served(running: Running, body: bytes) -> None:
    deadline = time.monotonic() + 60
    while request(running.port, "GET", "/").body != body:
        assert time.monotonic() < deadline, running.printed
        time.sleep(0.05)


def test_a_changed_file_is_served_by_new_containers_and_none_is_left(
    folder: Path, engine: docker.DockerClient
) -> None:
    with started(folder, *OPTIONS) as running:
        assert request(running.port, "GET", "/").body == b"old"
        running.wait_for(re.compile(r"  \| from /var/task"))
        before = containers_of(running, engine)
        assert before

        (folder / "main.py").write_text(APP % "new")
        running.wait_for(re.compile(r"Reloading: main\.py changed"))
        wait_until_served(running, b"new")
        deadline = time.monotonic() + 60
        while before & containers_of(running, engine):
            assert time.monotonic() < deadline

        assert running.interrupt() == 0
        assert containers_of(running, engine) == set()
        assert "is shut down" in running.printed
        assert "Traceback" not in running.printed


def test_a_broken_change_is_told_and_a_mended_one_served(
    folder: Path, engine: docker.DockerClient
) -> None:
    with started(folder, *OPTIONS) as running:
        (folder / "main.py").write_text("raise RuntimeError('halfway through an edit')")
        running.wait_for(re.compile(r"main:app raised .*RuntimeError: halfway through an edit"))
        (folder / "main.py").write_text(APP % "mended")
        wait_until_served(running, b"mended")


@pytest.mark.usefixtures("engine")
def test_an_image_that_is_not_there_is_told(folder: Path) -> None:
    output = failing(folder, *OPTIONS[:-1], "no-such-image")
    assert "Docker has no image no-such-image" in output
    assert "--image" in output


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", [".", "main.py"])
def test_what_a_container_s_user_may_not_read_is_told(folder: Path, name: str) -> None:
    (folder / name).chmod(0o700)
    output = failing(folder, *OPTIONS)
    assert f"may not read {(folder / name).resolve()}" in output
    assert "chmod" in output


def failing(folder: Path, *arguments: str) -> str:
    run = subprocess.run(
        [*COMMAND, *arguments, "--port", "0"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    assert "Traceback" not in run.stderr
    return " ".join(run.stderr.split())
