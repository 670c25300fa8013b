"""Images that tests build for themselves, and that are gone when they end."""

from __future__ import annotations

import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker

from tests.engine import BASE, PYTHON, building, removing
from tests.images.wheels import offline
from warmstart.bundle import dockerfile as dockerfiles
from warmstart.bundle.context import write_context
from warmstart.bundle.dependencies import uv
from warmstart.bundle.own_wheel import write_own_wheel

__all__ = ["app_image", "image", "image_of_directory", "install", "unpack_runtime"]


@contextmanager
def image(
    engine: docker.DockerClient, tag: str, dockerfile: str, trees: Mapping[str, Path]
) -> Iterator[str]:
    """What a Dockerfile makes of these directories, under a tag that nobody else uses."""
    with tempfile.TemporaryFile() as context:
        write_context(context, dockerfile, trees)
        context.seek(0)
        with _built(engine, tag, fileobj=context, custom_context=True) as built:
            yield built


@contextmanager
def image_of_directory(
    engine: docker.DockerClient, tag: str, dockerfile: Path, directory: Path, **arguments: str
) -> Iterator[str]:
    """What `docker build --file DOCKERFILE --build-arg ARGUMENTS DIRECTORY` makes."""
    with _built(
        engine, tag, path=str(directory), dockerfile=str(dockerfile), buildargs=arguments
    ) as built:
        yield built


@contextmanager
def _built(engine: docker.DockerClient, tag: str, **source: Any) -> Iterator[str]:
    with building():
        said = list(
            engine.api.build(
                tag=tag, decode=True, rm=True, forcerm=True, network_mode="none", **source
            )
        )
    assert "error" not in said[-1], said
    try:
        yield tag
    finally:
        with removing():
            engine.images.remove(tag, force=True)


@contextmanager
def app_image(
    engine: docker.DockerClient, tag: str, handler: str, modules: Mapping[str, str]
) -> Iterator[str]:
    """An app that needs nothing installed, on warmstart's runtime; `modules` are its sources."""
    with tempfile.TemporaryDirectory() as folder:
        packages, code = Path(folder, "packages"), Path(folder, "code")
        unpack_runtime(packages)
        code.mkdir()
        for name, source in modules.items():
            (code / f"{name}.py").write_text(source)
        content = dockerfiles.dockerfile(BASE, handler)
        with image(engine, tag, content, {"packages": packages, "code": code}) as built:
            yield built


def install(directory: Path, *wanted: str) -> None:
    """Lay out packages and what they need, for the images' Python."""
    platform = ("--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_28")
    command = [uv(), "pip", "install", "--quiet", *platform, "--target", str(directory), *wanted]
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            command,
            env=os.environ | offline(Path(scratch)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr


def unpack_runtime(directory: Path) -> None:
    """Lay out what functions get of warmstart."""
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheel = write_own_wheel(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(directory)
