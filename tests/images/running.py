"""Images as functions of a service, and as containers of their own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from typing import Any

import docker
from docker.models.containers import Container

from tests.chain.serving import request
from tests.engine import BASE
from warmstart.service.environments.docker import DockerDriver
from warmstart.service.function import Function, Image
from warmstart.service.service import Service

__all__ = ["running_container", "served", "wait_for"]


async def served(image: str, *events: object) -> list[tuple[str | None, Any]]:
    """What a function of the image answers, and whether that is an error."""
    function = Function(
        name="f",
        handler="",
        task_root="/",
        runtime="provided",
        image=Image(uri=image),
        timeout=30,
    )
    with closing(DockerDriver(BASE)) as driver:
        async with Service(driver=driver) as service:
            await service.create_function(driver.prepare(function))
            answers = [await service.invoke("f", json.dumps(event).encode()) for event in events]
    return [(answer.function_error, json.loads(answer.payload)) for answer in answers]


@contextmanager
def running_container(engine: docker.DockerClient, image: str, **options: object) -> Iterator[int]:
    """What `docker run -p 127.0.0.1::8080` runs; its port here, which answers."""
    # The engine may have been started without a network for those who name none.
    network = engine.networks.create(f"warmstart-test-{os.getpid()}", driver="bridge")
    container: Container | None = None
    try:
        container = engine.containers.run(
            image,
            detach=True,
            network=network.name,
            ports={"8080/tcp": ("127.0.0.1", 0)},
            **options,
        )
        container.reload()
        port = int(container.ports["8080/tcp"][0]["HostPort"])
        wait_for(lambda: answers(port))
        yield port
    finally:
        if container is not None:
            container.remove(force=True)
        network.remove()


def answers(port: int) -> bool:
    try:
        request(port)
    except (OSError, HTTPException):
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
