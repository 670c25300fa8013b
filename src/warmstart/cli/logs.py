"""`warmstart logs`: what a function has written."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from warmstart.cli.client import Endpoint, with_endpoint

__all__ = ["logs"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_POLL = 1.0
"""Seconds between two looks for more."""


@click.command()
@click.argument("function")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", default="10m", show_default=True, help="How far back: 30s, 10m, 2h, 1d.")
@click.option("--filter", "pattern", help="A filter pattern of CloudWatch Logs.")
@with_endpoint
def logs(endpoint: Endpoint, function: str, follow: bool, since: str, pattern: str | None) -> None:
    """Print FUNCTION's log; a name that begins with / is a log group's."""
    group = function if function.startswith("/") else f"/aws/lambda/{function}"
    client = endpoint.client("logs")
    start = int((time.time() - _seconds(since)) * 1000)
    seen: set[str] = set()
    while True:
        for event in _events(client, group, start, pattern):
            if event["eventId"] not in seen:
                _print(event)
                if event["timestamp"] > start:
                    # Later events may bear the same millisecond: it is asked for again.
                    start = event["timestamp"]
                    seen.clear()
                seen.add(event["eventId"])
        if not follow:
            return
        time.sleep(_POLL)


def _events(client: Any, group: str, start: int, pattern: str | None) -> Iterator[dict[str, Any]]:
    parameters: dict[str, Any] = {"logGroupName": group, "startTime": start}
    if pattern is not None:
        parameters["filterPattern"] = pattern
    for page in client.get_paginator("filter_log_events").paginate(**parameters):
        yield from page["events"]


def _print(event: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(event["timestamp"] / 1000).astimezone()
    when = click.style(f"{moment:%H:%M:%S}.{event['timestamp'] % 1000:03d}", dim=True)
    stream = click.style(event["logStreamName"][-6:], fg="cyan")
    click.echo(f"{when} {stream} {event['message'].rstrip()}")


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    if match is None:
        raise click.UsageError(f"--since takes a number and s, m, h, d or w, and not '{text}'")
    return int(match[1]) * _UNITS[match[2]]
