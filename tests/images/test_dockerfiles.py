"""The Dockerfiles in `images/`, and an app's own on their base, built as their comments say."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.adapter import samples
from tests.chain.serving import request
from tests.engine import BASE, engine, root
from tests.images.building import image, image_of_directory, install
from tests.images.running import running_container, served

__all__ = ["engine", "root"]

ROOT = Path(__file__).parents[2]
ON_BASE = f"warmstart-test-on-base-{os.getpid()}"  # tests may run in several processes

pytestmark = [pytest.mark.usefixtures("root"), pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def base(engine: docker.DockerClient) -> Iterator[str]:
    tag = f"warmstart-test-runtime-{os.getpid()}"
    file = ROOT / "images" / "base" / "Dockerfile"
    with image_of_directory(engine, tag, file, ROOT, BASE=BASE):
        yield tag


@pytest.mark.parametrize("framework", ["fastapi", "starlette", "django"])
async def test_an_example_is_a_function_and_a_web_server(
    engine: docker.DockerClient, base: str, tmp_path: Path, framework: str
) -> None:
    for name in (f"{framework}_app.py", "index.html"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    install(tmp_path / "packages", framework, "uvicorn")
    file = ROOT / "images" / framework / "Dockerfile"
    with image_of_directory(engine, ON_BASE, file, tmp_path, BASE=base):
        event = samples.http("/hello") | {"rawQueryString": "name=you"}
        ((_, answer),) = await served(ON_BASE, event)
        with running_container(engine, ON_BASE) as port:
            plain = request(port, "GET", "/hello?name=you")

    assert json.loads(answer["body"]) == json.loads(plain.body) == {"hello": "you"}
    assert answer["statusCode"] == plain.status == 200


async def test_three_lines_make_an_image_of_an_app(
    engine: docker.DockerClient, base: str, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text("def app(event, context):\n    return event\n")
    dockerfile = f'FROM {base}\nCOPY code/ /var/task/\nCMD ["main.app"]\n'
    with image(engine, ON_BASE, dockerfile, {"code": tmp_path}):
        assert await served(ON_BASE, "it runs") == [(None, "it runs")]


async def test_the_base_calls_a_wrapper_as_lambda_s_runtimes_do(
    engine: docker.DockerClient, base: str, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(
        "import os\ndef app(event, context):\n    return os.environ['WRAPPED']\n"
    )
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/sh\nexport WRAPPED="by $0"\nexec "$@"\n')
    wrapper.chmod(0o755)
    dockerfile = f"""\
FROM {base}
ENV AWS_LAMBDA_EXEC_WRAPPER=/var/task/wrapper
COPY code/ /var/task/
CMD ["main.app"]
"""
    with image(engine, ON_BASE, dockerfile, {"code": tmp_path}):
        assert await served(ON_BASE, None) == [(None, "by /var/task/wrapper")]
