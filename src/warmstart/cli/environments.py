"""`warmstart env`: the execution environments that live in a service."""

from __future__ import annotations

import json
import time
from typing import Any

import click
from botocore.httpsession import URLLib3Session

from warmstart.cli.client import Endpoint, with_endpoint
from warmstart.cli.tables import print_table
from warmstart.service.environments_api import ENVIRONMENTS

__all__ = ["environments"]


@click.group("env")
def environments() -> None:
    """Look at execution environments."""


@environments.command("ls")
@with_endpoint
def list_environments(endpoint: Endpoint) -> None:
    """List the environments there are now, and what they do."""
    request = endpoint.request("GET", ENVIRONMENTS)
    response = URLLib3Session().send(request)
    if response.status_code != 200:
        raise click.ClickException(f"{endpoint.url} does not tell: {response.text.strip()}")
    found: list[dict[str, Any]] = json.loads(response.content)
    now = time.time()
    print_table(
        ("FUNCTION", "VERSION", "ENVIRONMENT", "STATE", "FOR", "MEMORY"),
        [
            (
                each["function"],
                each["version"],
                each["id"][:12],
                each["state"],
                f"{max(now - each['since'], 0):.0f} s",
                "" if each["memory"] is None else f"{each['memory']} MB",
            )
            for each in found
        ],
    )
