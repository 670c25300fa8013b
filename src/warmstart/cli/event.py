"""`warmstart event`: a sample event of any source."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click

from warmstart.triggers.samples import (
    SAMPLES,
    InvalidChange,
    Occasion,
    UnknownSample,
    changed,
    sample,
)

__all__ = ["event", "sample_event"]


def sample_event(name: str, changes: tuple[str, ...]) -> Any:
    """A sample event of now, with changes; raises `click.UsageError` if there is none such."""
    try:
        return changed(sample(name, Occasion(datetime.now(UTC), str(uuid4()))), changes)
    except (UnknownSample, InvalidChange) as error:
        raise click.UsageError(str(error)) from None


@click.command()
@click.argument("type", required=False)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a value, as in Records[0].s3.object.key=a.txt. May be repeated.",
)
def event(type: str | None, changes: tuple[str, ...]) -> None:  # noqa: A002 - the help shows TYPE
    """Print a sample event, or without TYPE the names of all there are."""
    if type is None:
        click.echo("\n".join(SAMPLES))
    else:
        click.echo(json.dumps(sample_event(type, changes), indent=2))
