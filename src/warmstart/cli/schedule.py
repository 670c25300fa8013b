"""`warmstart schedule next`: when a schedule fires."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from warmstart.triggers.schedules.expressions import InvalidExpression, schedule_expression, zone

__all__ = ["schedule"]


@click.group()
def schedule() -> None:
    """Look at schedules."""


@schedule.command("next")
@click.argument("expression")
@click.option("--tz", default="UTC", show_default=True, help="The IANA name of a time zone.")
@click.option("--count", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--after",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]),
    help="Begin after this time of that zone instead of now.",
)
def next_times(expression: str, tz: str, count: int, after: datetime | None) -> None:
    """Print the next times of EXPRESSION: cron(…), rate(…) or at(…), as AWS writes them.

    It is read as EventBridge Scheduler reads it, which takes all that a rule takes.
    """
    try:
        timezone = zone(tz)
        time = datetime.now(UTC) if after is None else after.replace(tzinfo=timezone)
        times = schedule_expression(expression, timezone, time)
    except InvalidExpression as error:
        raise click.UsageError(str(error)) from None
    for number in range(count):
        following = times.next(time)
        if following is None:
            if number == 0:
                raise click.ClickException("It never fires again.")
            return
        click.echo(following.astimezone(timezone).isoformat(" ", "seconds"))
        time = following
