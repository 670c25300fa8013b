"""`warmstart build`: what is shipped to AWS or to an engine of one's own, made here."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

import click

from warmstart.bundle.errors import BuildError
from warmstart.bundle.image import BuiltImage, build_image
from warmstart.bundle.project import Project
from warmstart.bundle.target import Architecture, Target
from warmstart.bundle.zip import Built, build_layer, build_zip

__all__ = ["build"]

_HEAVIEST = 8
_INSTRUCTION = 80
_THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@click.group()
def build() -> None:
    """Build what is shipped: a zip, a layer, an image."""


@build.command("zip")
@click.argument("app")
@click.option("--layer", is_flag=True, help="A layer: the dependencies, without the app's code.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("function.zip"),
    show_default=True,
)
@click.option("--python", default=_THIS_PYTHON, show_default=True, help="The function's Python.")
@click.option(
    "--platform",
    type=click.Choice(get_args(Architecture)),
    default="x86_64",
    show_default=True,
    help="The function's architecture.",
)
@click.option(
    "--requirements",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What to install; by default uv.lock, requirements.txt or pyproject.toml.",
)
def build_zip_command(
    app: str,
    layer: bool,
    output: Path,
    python: str,
    platform: Architecture,
    requirements: Path | None,
) -> None:
    """Build a zip of APP (module:attribute) for one of Lambda's own Python runtimes."""
    try:
        project = Project.find(app, Path.cwd())
        target = Target(python, platform)
        requirements = requirements or project.requirements()
        if layer:
            built = build_layer(target, output, requirements, click.echo)
        else:
            built = build_zip(project, target, output, requirements, click.echo)
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    _print(built)
    if not layer:
        _print_settings(project, target)
    if built.sizes.excess is not None:
        raise click.ClickException(built.sizes.excess)


@build.command("image")
@click.argument("app")
@click.option("--tag", help="The image's name; by default that of the directory.")
@click.option(
    "--base",
    help="The image to build on, with Python and glibc; by default python:VERSION-slim. A"
    " Dockerfile of the project's own gets it as BASE.",
)
@click.option("--python", default=_THIS_PYTHON, show_default=True, help="The base's Python.")
@click.option(
    "--platform",
    type=click.Choice(get_args(Architecture)),
    default="x86_64",
    show_default=True,
    help="The image's architecture.",
)
@click.option(
    "--requirements",
    "--lock",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What to install; by default uv.lock, requirements.txt or pyproject.toml.",
)
def build_image_command(
    app: str,
    tag: str | None,
    base: str | None,
    python: str,
    platform: Architecture,
    requirements: Path | None,
) -> None:
    """Build an image of APP (module:attribute), for Lambda and for any container engine.

    A project with a Dockerfile is built by that; else one is made up.
    """
    try:
        project = Project.find(app, Path.cwd())
        target = Target(python, platform)
        tag = tag or _image_name(project.root)
        requirements = requirements or project.requirements()
        built = build_image(project, target, tag, base, requirements, click.echo)
    except BuildError as error:
        raise click.ClickException(str(error)) from error
    _print_layers(built)


def _image_name(directory: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", directory.name.lower()).strip("-")
    return f"{name or 'function'}:latest"


def _print_layers(built: BuiltImage) -> None:
    total = sum(layer.size for layer in built.layers)
    click.echo(f"\n{built.tag}: {_mb(total)} in {len(built.layers)} layers")
    for layer in built.layers:
        click.echo(f"  {_mb(layer.size):>10}  {layer.instruction[:_INSTRUCTION]}")


def _print(built: Built) -> None:
    sizes = built.sizes
    click.echo(f"\n{built.path}: {_mb(sizes.zipped)} zipped, {_mb(sizes.unzipped)} unzipped")
    for name, size in sizes.packages[:_HEAVIEST]:
        click.echo(f"  {_mb(size):>10}  {name}")
    rest = sizes.packages[_HEAVIEST:]
    if rest:
        size = sum(size for _, size in rest)
        click.echo(f"  {_mb(size):>10}  {len(rest)} others")


def _print_settings(project: Project, target: Target) -> None:
    click.echo(
        f"\nRuntime {target.runtime}, architecture {target.architecture},"
        f" handler {project.handler}.\n"
        "To stream responses, and for an app that is no handler, also set\n"
        "  AWS_LAMBDA_EXEC_WRAPPER=/var/task/warmstart/runtime/exec-wrapper"
    )


def _mb(size: int) -> str:
    return f"{size / 2**20:.2f} MB"
