"""`warmstart invoke`: run a function once."""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

import click

from warmstart.cli.client import Endpoint, with_endpoint
from warmstart.cli.event import sample_event

__all__ = ["invoke"]


@click.command()
@click.argument("function")
@click.option("--payload", help="The event's JSON; - reads it. Without one it is {}.")
@click.option(
    "--event", "sample", metavar="TYPE", help="Send the sample event of `warmstart event`."
)
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change it.")
@click.option("--qualifier", help="A version or an alias.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for the answer.")
@click.option("--stream", is_flag=True, help="Print the answer as it comes.")
@click.option("--tail", is_flag=True, help="Print the end of the invocation's log, too.")
@with_endpoint
def invoke(
    endpoint: Endpoint,
    function: str,
    qualifier: str | None,
    asynchronous: bool,
    stream: bool,
    tail: bool,
    **event: Any,
) -> None:
    """Invoke FUNCTION and print what it answers; a function that fails is exit code 1."""
    parameters: dict[str, Any] = {"FunctionName": function, "Payload": _event(**event)}
    if qualifier is not None:
        parameters["Qualifier"] = qualifier
    if tail:
        parameters["LogType"] = "Tail"
    client = endpoint.client("lambda")
    if asynchronous:
        client.invoke(**parameters, InvocationType="Event")
    elif stream:
        _print_stream(client.invoke_with_response_stream(**parameters))
    else:
        _print(client.invoke(**parameters))


def _event(payload: str | None, sample: str | None, changes: tuple[str, ...]) -> bytes:
    if sample is not None:
        if payload is not None:
            raise click.UsageError("The event is either --payload or --event.")
        return json.dumps(sample_event(sample, changes)).encode()
    if changes:
        raise click.UsageError("--set changes the sample that --event names.")
    return sys.stdin.buffer.read() if payload == "-" else (payload or "{}").encode()


def _print(response: dict[str, Any]) -> None:
    if "LogResult" in response:
        click.echo(base64.b64decode(response["LogResult"]), err=True, nl=False)
    click.echo(response["Payload"].read())
    if "FunctionError" in response:
        sys.exit(1)


def _print_stream(response: dict[str, Any]) -> None:
    failed = False
    for event in response["EventStream"]:
        if "PayloadChunk" in event:
            click.echo(event["PayloadChunk"]["Payload"], nl=False)
            sys.stdout.flush()
        else:
            complete = event["InvokeComplete"]
            if "LogResult" in complete:
                click.echo(base64.b64decode(complete["LogResult"]), err=True, nl=False)
            if "ErrorCode" in complete:
                failed = True
                click.echo(f"{complete['ErrorCode']}: {complete.get('ErrorDetails', '')}", err=True)
    if failed:
        sys.exit(1)
