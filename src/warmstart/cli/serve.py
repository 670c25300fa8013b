"""`warmstart serve`: Lambda on this machine, for any AWS SDK.

    boto3, aws, terraform ── AWS_ENDPOINT_URL_LAMBDA ─▶ uvicorn ─▶ Platform

With access keys every request must be signed with one of them; without, the service
listens on loopback only, since whoever can connect may run code as its user.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from warmstart.cli.isolation import with_isolation
from warmstart.cli.serving import HTTPServer, address, listen, on_interrupt, run
from warmstart.cli.triggers import described, log_filters, triggers_of_file
from warmstart.cli.urls import with_function_urls
from warmstart.service.environments.engine import EngineUnavailable
from warmstart.service.function import IDLE_TIMEOUT
from warmstart.service.logs.lines import log_line
from warmstart.service.platform import Platform, Settings
from warmstart.service.state.errors import StateError
from warmstart.service.telemetry import Event
from warmstart.triggers.buses.rules import Rules
from warmstart.triggers.configuration import Triggers
from warmstart.triggers.enqueuer import Account
from warmstart.triggers.event_sources import event_sources
from warmstart.triggers.pollers import NotRead
from warmstart.triggers.push.door import Door
from warmstart.triggers.running import running

__all__ = ["serve"]

_ENDPOINT = "AWS_ENDPOINT_URL"
_NEIGHBOURS = {
    "s3": "S3",
    "sqs": "SQS",
    "sns": "SNS",
    "events": "EVENTBRIDGE",
    "kinesis": "KINESIS",
    "dynamodbstreams": "DYNAMODB_STREAMS",
    "secretsmanager": "SECRETS_MANAGER",
    "kafka": "KAFKA",
}
"""Services that are spoken to, by their names here and in `AWS_ENDPOINT_URL_…`."""

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@click.command()
@click.option("--port", default=9000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--data-dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".warmstart"),
    show_default=True,
    help="Where functions, events and logs are kept.",
)
@click.option("--account", default="123456789012", show_default=True, help="The account's id.")
@click.option("--region", default="us-east-1", show_default=True)
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of access keys, a line each: ID:SECRET. Then requests must be signed.",
)
@click.option(
    "--aws-endpoint-url",
    metavar="URL",
    envvar=_ENDPOINT,
    show_envvar=True,
    help="Where AWS's other services are: for code, destinations and dead-letter queues, and for"
    " what functions call. AWS_ENDPOINT_URL_S3 and its like say it for one of them.",
)
@click.option(
    "--forward-logs",
    metavar="URL",
    help="A CloudWatch Logs that gets what functions log, too.",
)
@click.option(
    "--time-scale",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.0001, 1000),
    help="Factor of the waiting times of asynchronous invocations.",
)
@click.option(
    "--idle-timeout",
    default=IDLE_TIMEOUT,
    show_default=True,
    type=click.FloatRange(0.1),
    help="Seconds after which an unused environment is shut down.",
)
@click.option(
    "--triggers",
    "triggers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file of what wakes functions: schedules, uploads, pushes. Without one:"
    " warmstart.toml, if it is here.",
)
@with_isolation
@click.option("--verbose", is_flag=True, help="Print what functions log.")
def serve(
    *,
    port: int,
    host: str,
    keys: Path | None,
    aws_endpoint_url: str | None,
    triggers_file: Path | None,
    verbose: bool,
    **options: Any,
) -> None:
    """Serve the Lambda API: functions, invocations, logs."""
    access_keys = {} if keys is None else _read_keys(keys)
    if not access_keys and not _is_loopback(host):
        raise click.UsageError(
            f"Without access keys, whoever reaches {host} could run code here. Name a file of them"
            " with --keys, or listen on 127.0.0.1."
        )
    triggers = _triggers(triggers_file)
    listener = listen(host, port)
    # What the service itself sends to a bus bears no signature that its own keys would make.
    own_events = None if access_keys else address(listener)
    settings = Settings(
        endpoint=lambda: address(listener),
        keys=access_keys,
        endpoints=_neighbours(os.environ, aws_endpoint_url, own_events),
        function_variables=_endpoints(os.environ, aws_endpoint_url, address(listener))
        | _credentials(os.environ, access_keys),
        **options,
    )
    with listener:
        sys.exit(run(_serve(settings, triggers, listener, verbose=verbose)))


def _triggers(path: Path | None) -> Triggers:
    default = Path("warmstart.toml")
    if path is None and not default.exists():
        return Triggers()
    return triggers_of_file(path or default)


async def _serve(
    settings: Settings, triggers: Triggers, listener: socket.socket, *, verbose: bool
) -> int:
    interrupted = on_interrupt()
    account = Account(settings.region, settings.account)
    filters = log_filters(triggers)
    try:
        async with (
            Platform.open(
                settings,
                observer=_print_line if verbose else None,
                event_sources=lambda invoker, failures: event_sources(
                    invoker, settings.endpoints, settings.directory, failures
                ),
            ) as platform,
            running(
                triggers,
                settings.directory,
                platform.asynchronous,
                account,
                endpoints=settings.endpoints,
            ) as pushes,
        ):
            rules = Rules(triggers.rules, platform.asynchronous, account)
            platform.event_buses.deliver = rules.deliver
            platform.subscription_filters.configured = filters
            door = Door(platform, pushes, triggers.push_token)
            server = HTTPServer(with_function_urls(door, platform, settings))
            interrupted.add_done_callback(lambda _: server.stop())
            click.echo("\n".join([_welcome(settings), *described(triggers)]))
            await server.serve(sockets=[listener])
    except (StateError, EngineUnavailable, NotRead) as error:
        raise click.ClickException(str(error)) from None
    click.echo("Lambda is shut down.")
    return 0


def _welcome(settings: Settings) -> str:
    url = settings.endpoint()
    where = click.style(url, bold=True)
    return (
        f"Lambda at {where} (data in {settings.directory}; Ctrl-C ends it)\n"
        f"  export AWS_ENDPOINT_URL_LAMBDA={url}\n"
        f"  export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={url}\n"
        f"  export AWS_ENDPOINT_URL_EVENTBRIDGE={url}"
    )


def _print_line(event: Event) -> None:
    line = log_line(event)
    if line is not None:
        click.echo(f"{click.style(event.source.function.name, fg='cyan')} {line}")


def _read_keys(path: Path) -> dict[str, str]:
    keys = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip():
            key, colon, secret = line.strip().partition(":")
            if not (key and colon and secret):
                raise click.UsageError(f"Line {number} of {path} is not ID:SECRET")
            keys[key] = secret
    if not keys:
        raise click.UsageError(f"There is no key in {path}")
    return keys


def _neighbours(
    environment: Mapping[str, str], default: str | None, own_events: str | None
) -> dict[str, str]:
    """The endpoints of the services that functions' code and results come from and go to.

    EventBridge is `own_events` if nothing says that it is elsewhere.
    """
    found = {
        name: environment.get(f"{_ENDPOINT}_{variable}", default)
        for name, variable in _NEIGHBOURS.items()
    }
    found["events"] = found["events"] or own_events
    return {name: url for name, url in found.items() if url}


def _endpoints(environment: Mapping[str, str], default: str | None, own: str) -> dict[str, str]:
    """What tells an SDK in a function where services are.

    Lambda and its logs are here, and so is EventBridge if nothing else is named for it.
    """
    found = {
        name: url for name, url in environment.items() if name.startswith(f"{_ENDPOINT}_") and url
    }
    if default:
        found[_ENDPOINT] = default
    else:
        found.setdefault(f"{_ENDPOINT}_EVENTBRIDGE", own)
    return found | {f"{_ENDPOINT}_LAMBDA": own, f"{_ENDPOINT}_CLOUDWATCH_LOGS": own}


def _credentials(environment: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """What functions sign their requests with, in the place of their role's credentials.

    A key that this service accepts; else what its own environment has, so that functions may do
    what their developer may; else made-up ones, which services on a laptop take.
    """
    key, secret, token = _CREDENTIALS
    if not keys and environment.get(key) and environment.get(secret):
        return {name: environment[name] for name in (key, secret, token) if environment.get(name)}
    if keys:
        return dict(zip((key, secret), next(iter(keys.items())), strict=True))
    return dict.fromkeys(_CREDENTIALS, "test")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
