"""The examples as images: built by us, scaled by the service, and the same everywhere else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import docker
import pytest
from click.testing import CliRunner

from tests.adapter import samples
from tests.chain.serving import Response, request
from tests.cli.running import Running, started
from tests.engine import BASE, PYTHON, building, engine, removing, root
from tests.images.running import running_container, wait_for
from tests.images.wheels import offline
from tests.runtime.rie import rie_path
from tests.service.whole.clients import ROLE, Aws
from warmstart.cli.commands import warmstart

__all__ = ["engine", "root"]

EXAMPLES = Path(__file__).parents[2] / "examples"
AT_ONCE = 20
OK = (200, "application/json")
INVOKE = "/2015-03-31/functions/function/invocations"

pytestmark = [
    pytest.mark.usefixtures("root"),
    pytest.mark.timeout(240),
]


@dataclass(frozen=True)
class Built:
    tag: str
    handler: str


@pytest.fixture(scope="module", params=["fastapi_app", "starlette_app", "django_app"])
def built(
    request: pytest.FixtureRequest,
    engine: docker.DockerClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Built]:
    """An image of an example, made by `warmstart build image`."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    for file in (f"{name}.py", "index.html"):
        shutil.copy(EXAMPLES / file, folder)
    (folder / "requirements.txt").write_text(name.removesuffix("_app"))
    tag = f"warmstart-test-{name.replace('_', '-')}-{os.getpid()}"
    options = ["--tag", tag, "--base", BASE, "--python", PYTHON]
    command = ["build", "image", f"{name}:app", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable, value in offline(folder).items():
            patch.setenv(variable, value)
        with building():
            done = CliRunner().invoke(warmstart, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    yield Built(tag, f"{name}.app")
    with removing():
        engine.images.remove(tag, force=True)


@dataclass(frozen=True)
class Lambda:
    """The image as a function with a URL, of a service of its own."""

    running: Running
    aws: Aws
    url: str

    def get(self, path: str) -> Response:
        host = urlsplit(self.url).netloc  # which is not for every resolver
        return request(self.running.port, "GET", path, [("host", host)], timeout=120)


@contextmanager
def served(image: str, folder: Path) -> Iterator[Lambda]:
    with started(folder, "serve", "--idle-timeout", "3") as running:
        aws = Aws(running, "")
        client = aws.client("lambda")
        client.create_function(
            FunctionName="app",
            PackageType="Image",
            Code={"ImageUri": image},
            Role=ROLE,
            Timeout=60,
            MemorySize=256,
        )
        aws.wait("function_active_v2", FunctionName="app")
        made = client.create_function_url_config(FunctionName="app", AuthType="NONE")
        yield Lambda(running, aws, made["FunctionUrl"])


def test_twenty_requests_scale_it_out_and_idle_it_goes(
    built: Built, engine: docker.DockerClient, tmp_path: Path
) -> None:
    with served(built.tag, tmp_path) as function:
        pid = function.running.process.pid
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(function.get, ["/countdown"] * AT_ONCE))
        assert {(answer.status, answer.body.decode()) for answer in answers} == {
            (200, "3 …\n2 …\n1 …\nlift-off\n")
        }
        logs = function.aws.client("logs")
        streams = logs.describe_log_streams(logGroupName="/aws/lambda/app")["logStreams"]
        # Each environment has a stream. One that is done takes requests that still wait.
        assert AT_ONCE // 2 < len(streams) <= AT_ONCE

        wait_for(lambda: containers(engine, pid) == 0)
        assert seen(function.get("/hello?name=again")) == (*OK, {"hello": "again"})
        assert containers(engine, pid) == 1
        assert function.running.interrupt() == 0
    assert containers(engine, pid) == 0


def containers(engine: docker.DockerClient, pid: int) -> int:
    """How many containers there are of a service."""
    mine = {"label": f"warmstart.owner={pid}"}
    return len(engine.api.containers(all=True, filters=mine))


def test_the_same_image_answers_the_same_on_the_service_as_plain_http_and_under_the_emulator(
    built: Built, engine: docker.DockerClient, tmp_path: Path
) -> None:
    with served(built.tag, tmp_path) as function:
        on_lambda = function.get("/hello?name=you")
    with running_container(engine, built.tag) as port:
        plain = request(port, "GET", "/hello?name=you")
    emulator = {str(rie_path()): {"bind": "/rie", "mode": "ro"}}
    program = {
        "entrypoint": ["/rie", "python3", "-m", "warmstart.runtime"],
        "command": [built.handler],  # which another entry point makes Docker forget
    }
    with running_container(engine, built.tag, **program, volumes=emulator) as port:
        event = samples.http("/hello") | {"rawQueryString": "name=you"}
        result = json.loads(request(port, "POST", INVOKE, (), json.dumps(event).encode()).body)

    expected = (*OK, {"hello": "you"})
    assert seen(on_lambda) == expected
    assert seen(plain) == expected
    body = json.loads(result["body"])
    assert (result["statusCode"], result["headers"]["content-type"], body) == expected


def seen(response: Response) -> tuple[int, str, object]:
    (content_type,) = response.header("content-type")
    return response.status, content_type, json.loads(response.body)
