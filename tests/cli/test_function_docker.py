"""`warmstart function` with container images, as a person uses it, on a real engine."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest

from tests.cli.running import say, started
from tests.engine import engine
from tests.images.building import app_image

__all__ = ["engine"]

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="containers are served by root"),
    pytest.mark.timeout(240),
]

APP = "def handler(event, context):\n    return %r\n"
TAG = f"warmstart-test-function-{os.getpid()}"  # tests may run in several processes


def test_a_function_is_made_of_an_image_and_then_of_another(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    with (
        app_image(engine, f"{TAG}-old", "app.handler", {"app": APP % "old"}) as old,
        app_image(engine, f"{TAG}-new", "app.handler", {"app": APP % "new"}) as new,
        started(tmp_path, "serve") as running,
    ):
        done = say(running, "function", "create", "f", "--image", old, "--timeout", "60")
        assert done.returncode == 0, done.stderr
        assert say(running, "invoke", "f").stdout == '"old"\n'
        assert say(running, "function", "ls").stdout.splitlines()[1].split()[:2] == ["f", "image"]

        assert say(running, "function", "update", "f", "--image", new).stdout == "f is updated\n"
        assert say(running, "invoke", "f").stdout == '"new"\n'
