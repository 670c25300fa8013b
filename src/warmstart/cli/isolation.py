"""What environments are: the options of the commands that start them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, get_args

import click

from warmstart.service.environments.docker import IMAGE, NO_NETWORK, Isolation

__all__ = ["with_isolation"]

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def with_isolation(
    command: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Let a command take `isolation`, `image` and `network`, as `DockerDriver` wants them."""
    for option in (
        click.option(
            "--network",
            default=NO_NETWORK,
            show_default=True,
            help="Docker's network that containers are in, and reach the outside by: `bridge`, or"
            " one made with `docker network create`.",
        ),
        click.option(
            "--image",
            default=IMAGE,
            show_default=True,
            help="The container image of what brings none, with a Python. {python} is the version.",
        ),
        click.option(
            "--isolation",
            type=click.Choice(get_args(Isolation)),
            default="process",
            show_default=True,
            help="What environments are: processes of this machine, or Docker containers, as those"
            " of functions that are images always are.",
        ),
    ):
        command = option(command)
    return command
