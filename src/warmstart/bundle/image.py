"""A container image of an app: dependencies in a layer, the code in the next.

What is installed is laid out here, for the target, and copied into the image: the
base needs a Python and nothing else, and nothing is fetched while it is built. A
project with a Dockerfile of its own is built by that.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from warmstart.bundle.bytecode import compile_tree, interpreter
from warmstart.bundle.context import write_context
from warmstart.bundle.dependencies import install
from warmstart.bundle.dockerfile import PACKAGES, TASK_ROOT, dockerfile
from warmstart.bundle.engine import Engine, Layer
from warmstart.bundle.project import Project
from warmstart.bundle.pruning import is_needed
from warmstart.bundle.target import Target
from warmstart.bundle.zip import Say

__all__ = ["BuiltImage", "build_image"]

_PLAIN_HTTP = ("uvicorn",)
"""What serves the app where there is no Lambda."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image that was built, under its tag."""

    tag: str
    layers: list[Layer]


def build_image(
    project: Project,
    target: Target,
    tag: str,
    base: str | None,
    requirements: Path | None,
    say: Say,
) -> BuiltImage:
    """Build an image of the project; `base` is its base image, by default Python's own.

    Raises:
        BuildError: it cannot be built.
    """
    with Engine() as engine, tempfile.TemporaryDirectory(prefix="warmstart-build-") as scratch:
        if (project.root / "Dockerfile").is_file():
            say(f"Building {project.root / 'Dockerfile'}")
            arguments = {} if base is None else {"BASE": base}
            directory = str(project.root)
            image = engine.build(
                tag, target.docker_platform, say, directory=directory, arguments=arguments
            )
            return BuiltImage(tag, engine.layers(image))
        trees = _lay_out(project, target, requirements, Path(scratch), say)
        content = dockerfile(base or f"python:{target.python}-slim", project.handler)
        with tempfile.TemporaryFile() as context:
            write_context(context, content, trees)
            context.seek(0)
            image = engine.build(tag, target.docker_platform, say, context=context, arguments={})
        return BuiltImage(tag, engine.layers(image))


def _lay_out(
    project: Project, target: Target, requirements: Path | None, scratch: Path, say: Say
) -> dict[str, Path]:
    """The directories of the build's context, by their names in the Dockerfile."""
    packages, code = scratch / "packages", scratch / "code"
    packages.mkdir()
    code.mkdir()
    source = "warmstart alone" if requirements is None else requirements.name
    say(f"Installing {source} for {target.runtime} on {target.architecture}")
    install(requirements, target, packages, scratch, also=_PLAIN_HTTP)
    for path in sorted(packages.rglob("*")):
        if path.is_file() and not is_needed(PurePosixPath(path.relative_to(packages))):
            path.unlink()
    for name in project.files():
        destination = code / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project.code / name, destination)
    python = interpreter(target)
    if python is None:
        say(f"No bytecode: there is no Python {target.python} here to compile with")
    else:
        compile_tree(packages, python, PACKAGES)
        compile_tree(code, python, TASK_ROOT)
    return {"packages": packages, "code": code}
