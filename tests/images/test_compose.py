"""`compose.yaml` as `docker compose up` runs it: a service in a container, functions beside it."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest
import yaml
from botocore.config import Config
from docker.models.containers import Container

from tests.engine import BASE, PYTHON, engine, root
from tests.images.building import app_image, image, image_of_directory
from tests.images.running import wait_for
from tests.images.wheels import wheels

__all__ = ["engine", "root"]

ROOT = Path(__file__).parents[2]
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI")
NAME = f"warmstart-test-compose-{os.getpid()}"  # tests may run in several processes
WITH_PIP = f"""\
FROM {BASE}
COPY pip/ /usr/local/lib/python{PYTHON}/dist-packages/
COPY wheels/ /wheels/
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore
"""
HANDLER = "def handle(event, context):\n    return ['answer', event]\n"

pytestmark = [pytest.mark.usefixtures("root"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def service_image(
    engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """What `images/service/Dockerfile` makes of a base with pip, which finds wheels in there."""
    folder = wheels("service.txt")
    (pip,) = folder.glob("pip-*.whl")
    unpacked = tmp_path_factory.mktemp("pip")
    with zipfile.ZipFile(pip) as archive:
        archive.extractall(unpacked)
    file = ROOT / "images" / "service" / "Dockerfile"
    trees = {"pip": unpacked, "wheels": folder}
    with (
        image(engine, f"{NAME}-base", WITH_PIP, trees) as base,
        image_of_directory(engine, f"{NAME}-service", file, ROOT, BASE=base) as built,
    ):
        yield built


@contextmanager
def composed(engine: docker.DockerClient, image: str, folder: Path) -> Iterator[tuple[int, str]]:
    """Run the file's service, with its folder and port moved, as others may have them."""
    text = (ROOT / "compose.yaml").read_text().replace("/var/lib/warmstart", str(folder / "lib"))
    found = yaml.safe_load(text)["services"]
    assert list(found) == ["lambda"]
    wanted = found["lambda"]
    sockets = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    moved = {"/var/run/docker.sock": sockets, "./keys": str(folder / "keys")}
    volumes = []
    for volume in wanted.pop("volumes"):
        source, target = volume.split(":", 1)
        volumes.append(f"{moved.get(source, source)}:{target}")
    (port,) = wanted.pop("ports")
    assert port == "127.0.0.1:9000:9000"
    assert wanted.pop("image") == "warmstart-service"
    options: dict[str, Any] = {
        "pid_mode": wanted.pop("pid"),
        "cgroupns": wanted.pop("cgroup"),
        "cap_add": wanted.pop("cap_add"),
        "security_opt": wanted.pop("security_opt"),
        "command": wanted.pop("command"),
        "environment": wanted.pop("environment"),
    }
    assert wanted == {}, "The test does not know all of the file"
    # The engine may have been started without a network for those who name none.
    network = engine.networks.create(NAME, driver="bridge")
    container: Container | None = None
    try:
        container = engine.containers.create(
            image,
            network=network.name,
            ports={"9000/tcp": ("127.0.0.1", None)},
            volumes=volumes,
            **options,
        )
        container.start()
        wait_for(lambda: b" at http://" in container.logs())
        container.reload()
        yield int(container.ports["9000/tcp"][0]["HostPort"]), container.id
        container.stop(timeout=30)
    finally:
        if container is not None:
            container.remove(force=True)
        network.remove()


def test_the_service_in_a_container_runs_functions_in_containers_beside_it(
    engine: docker.DockerClient, service_image: str, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "keys").write_text(":".join(KEY) + "\n")
    with (
        app_image(engine, f"{NAME}-app", "main.handle", {"main": HANDLER}) as app,
        composed(engine, service_image, tmp_path) as (port, service),
    ):
        client = boto3.client(
            "lambda",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=KEY[0],
            aws_secret_access_key=KEY[1],
            config=Config(retries={"max_attempts": 0}, read_timeout=120),
        )
        role = "arn:aws:iam::123456789012:role/any"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("main.py", HANDLER)
        client.create_function(
            FunctionName="image", Role=role, PackageType="Image", Code={"ImageUri": app}, Timeout=60
        )
        client.create_function(
            FunctionName="zip",
            Role=role,
            Runtime=f"python{PYTHON}",
            Handler="main.handle",
            Code={"ZipFile": archive.getvalue()},
            Timeout=60,
        )
        for name in ("image", "zip"):
            client.get_waiter("function_active_v2").wait(FunctionName=name)
            answer = client.invoke(FunctionName=name, Payload=b"1")
            assert "FunctionError" not in answer, answer["Payload"].read()
            assert json.loads(answer["Payload"].read()) == ["answer", 1]

        (beside,) = functions_of(engine, service)
        assert beside.image.tags == [f"{app}:latest"]
    assert not engine.containers.list(all=True, filters={"id": beside.id})


def functions_of(engine: docker.DockerClient, service: str) -> list[Container]:
    """The containers that belong to the service in a container, by its process id."""
    pid = engine.api.inspect_container(service)["State"]["Pid"]
    return list(engine.containers.list(filters={"label": f"warmstart.owner={pid}"}))
