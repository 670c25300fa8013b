"""The command's root."""

from __future__ import annotations

import click

from warmstart import __version__
from warmstart.cli.build import build
from warmstart.cli.dev import dev
from warmstart.cli.environments import environments
from warmstart.cli.event import event
from warmstart.cli.function import function
from warmstart.cli.invoke import invoke
from warmstart.cli.logs import logs
from warmstart.cli.schedule import schedule
from warmstart.cli.serve import serve

__all__ = ["warmstart"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="warmstart")
def warmstart() -> None:
    """Run Python web applications the way AWS Lambda runs them."""


warmstart.add_command(build)
warmstart.add_command(dev)
warmstart.add_command(environments)
warmstart.add_command(event)
warmstart.add_command(function)
warmstart.add_command(invoke)
warmstart.add_command(logs)
warmstart.add_command(schedule)
warmstart.add_command(serve)
