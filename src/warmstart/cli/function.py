"""`warmstart function`: the functions of a service."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import click

from warmstart.bundle.archive import write_archive
from warmstart.bundle.project import shipped_files
from warmstart.cli.client import Endpoint, with_endpoint
from warmstart.cli.tables import print_table

__all__ = ["function"]

_ROLE = "arn:aws:iam::123456789012:role/warmstart"
"""AWS wants one, and the service here does not look at it."""


@click.group()
def function() -> None:
    """List, create, update and remove functions."""


@function.command("ls")
@with_endpoint
def list_functions(endpoint: Endpoint) -> None:
    """List the functions."""
    pages = endpoint.client("lambda").get_paginator("list_functions").paginate()
    found = [each for page in pages for each in page["Functions"]]
    print_table(
        ("NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "MODIFIED"),
        [
            (
                each["FunctionName"],
                each.get("Runtime", each["PackageType"].lower()),
                each.get("Handler", ""),
                f"{each['MemorySize']} MB",
                f"{each['Timeout']} s",
                f"{each['CodeSize'] / 2**20:.1f} MB",
                each["LastModified"][:19].replace("T", " "),
            )
            for each in found
        ],
    )


def _settings(command: Any) -> Any:
    for option in (
        click.option("--handler", help="module.attribute"),
        click.option("--runtime", help="As AWS names it: python3.13, provided.al2023 …"),
        click.option("--memory", type=click.IntRange(128, 10240), help="MB"),
        click.option("--timeout", type=click.IntRange(1, 900), help="Seconds."),
        click.option("--env", "variables", multiple=True, metavar="NAME=VALUE"),
        click.option(
            "--code",
            type=click.Path(exists=True, path_type=Path),
            help="A zip, or a file or a directory to make one of.",
        ),
        click.option("--image", metavar="NAME", help="A container image, in place of --code."),
    ):
        command = option(command)
    return command


@function.command("create")
@click.argument("name")
@_settings
@with_endpoint
def create_function(
    endpoint: Endpoint, name: str, code: Path | None, image: str | None, **settings: Any
) -> None:
    """Create a function and wait until it is active."""
    source = _code(code, image)
    if not source:
        raise click.UsageError("--code says where the function's code is, or --image does")
    members = _members(**settings)
    if image is not None:
        members["PackageType"] = "Image"
    client = endpoint.client("lambda")
    created = client.create_function(FunctionName=name, Role=_ROLE, Code=source, **members)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    click.echo(created["FunctionArn"])


@function.command("update")
@click.argument("name")
@_settings
@with_endpoint
def update_function(
    endpoint: Endpoint, name: str, code: Path | None, image: str | None, **settings: Any
) -> None:
    """Change a function's configuration or code and wait until it has."""
    client = endpoint.client("lambda")
    waiter = client.get_waiter("function_updated_v2")
    members = _members(**settings)
    source = _code(code, image)
    if not source and not members:
        raise click.UsageError("Nothing to change: name a setting, or new code or another image")
    if members:
        client.update_function_configuration(FunctionName=name, **members)
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1})
    if source:
        client.update_function_code(FunctionName=name, **source)
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 1})
    click.echo(f"{name} is updated")


@function.command("rm")
@click.argument("names", nargs=-1, required=True)
@with_endpoint
def remove_functions(endpoint: Endpoint, names: tuple[str, ...]) -> None:
    """Remove functions, with all their versions."""
    client = endpoint.client("lambda")
    for name in names:
        client.delete_function(FunctionName=name)
        click.echo(f"{name} is removed")


def _members(
    *,
    handler: str | None,
    runtime: str | None,
    memory: int | None,
    timeout: int | None,
    variables: tuple[str, ...],
) -> dict[str, Any]:
    """The options that were given, as the API's members."""
    members: dict[str, Any] = {
        "Handler": handler,
        "Runtime": runtime,
        "MemorySize": memory,
        "Timeout": timeout,
        "Environment": {"Variables": _variables(variables)} if variables else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for variable in given:
        name, equals, value = variable.partition("=")
        if not equals:
            raise click.UsageError(f"--env takes NAME=VALUE, and not '{variable}'")
        found[name] = value
    return found


def _code(code: Path | None, image: str | None) -> dict[str, Any]:
    """What the API calls the code: empty if none is named."""
    if code is not None and image is not None:
        raise click.UsageError("A function is of --code or of an --image, and not of both")
    if image is not None:
        return {"ImageUri": image}
    return {} if code is None else {"ZipFile": _archive(code)}


def _archive(code: Path) -> bytes:
    """The bytes of a zip, which a file or a directory is put into if it is none."""
    if code.is_file() and zipfile.is_zipfile(code):
        return code.read_bytes()
    if code.is_file():
        entries = {code.name: code}
    else:
        entries = {name.as_posix(): code / name for name in shipped_files(code)}
    archive = io.BytesIO()
    write_archive(archive, entries)
    return archive.getvalue()
