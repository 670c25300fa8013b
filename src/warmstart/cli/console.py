"""What `warmstart dev` prints: a line for each request, and what the app itself writes.

A request's line needs two halves. The gateway knows method, path and status
when the answer is out; the service knows duration and memory when the
environment is done, background work included. `Console` prints the line when
it has both, or at once for a request that reached no environment. A trigger's
event gets a line for each attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from warmstart.cli.failures import describe_init_failure
from warmstart.gateways.function_url import Access
from warmstart.service.errors import InitFailed
from warmstart.service.logs.lines import log_line
from warmstart.service.telemetry import Event, Output, Report, Start

__all__ = ["Console"]

_STATUS_COLORS = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}


class Console:
    """The observer of a service and a gateway that prints for a person.

    `verbose` adds the lines that Lambda writes to the function's log. `echo`
    takes a line; click's own leaves the colours out where nobody would see them.
    """

    def __init__(self, *, verbose: bool = False, echo: Callable[[str], None] = click.echo) -> None:
        self.quiet = False
        self._verbose = verbose
        self._echo = echo
        self._running: set[str] = set()
        self._accesses: dict[str, Access] = {}
        self._reports: dict[str, Report] = {}
        self._triggers: dict[str, str] = {}

    def on_event(self, event: Event) -> None:
        """Take an event of the service."""
        if isinstance(event, Output):
            if not self.quiet:
                self._echo(click.style("  | ", dim=True) + event.line)
            return
        if self._verbose and not self.quiet:
            line = log_line(event)
            if line is not None:
                self._echo(click.style(f"  {line}", dim=True))
        if isinstance(event, Start):
            self._running.add(event.request_id)
        elif isinstance(event, Report):
            self._running.discard(event.request_id)
            if event.request_id in self._triggers:
                self._print_trigger(event)
            else:
                self._reports[event.request_id] = event
                self._print_if_whole(event.request_id)

    def on_access(self, access: Access) -> None:
        """Take an answered request of the gateway."""
        self._accesses[access.request_id] = access
        if access.request_id in self._running or access.request_id in self._reports:
            self._print_if_whole(access.request_id)
        else:
            self._print(self._accesses.pop(access.request_id), None)

    def on_trigger(self, request_id: str, description: str) -> None:
        """Take an event that will be invoked under that id, maybe several times."""
        self._triggers[request_id] = description

    def say(self, text: str) -> None:
        """Print a line of the command's own."""
        self._echo(text)

    def show_init_failure(self, app: str, failure: InitFailed) -> None:
        """Say in one sentence why `app` does not start, below its own traceback if it has one."""
        message, trace = describe_init_failure(app, failure)
        for line in trace:
            self._echo(line)
        self._echo(click.style(message, fg="red"))

    def _print_if_whole(self, request_id: str) -> None:
        if request_id in self._accesses and request_id in self._reports:
            self._print(self._accesses.pop(request_id), self._reports.pop(request_id))

    def _print_trigger(self, report: Report) -> None:
        description = self._triggers[report.request_id]
        if report.error_type is None:
            del self._triggers[report.request_id]
            self._print_line("EVENT", description, "done", "green", report)
        else:
            self._print_line("EVENT", description, "failed", "red", report)

    def _print(self, access: Access, report: Report | None) -> None:
        status = "left" if access.status is None else str(access.status)
        color = _STATUS_COLORS.get((access.status or 400) // 100, "white")
        self._print_line(access.method, access.path, status, color, report)

    def _print_line(
        self, kind: str, what: str, result: str, color: str, report: Report | None
    ) -> None:
        line = [
            click.style(time.strftime("%H:%M:%S"), dim=True),
            f"{kind:<6} {what:<32}",
            click.style(result, fg=color, bold=True),
        ]
        if report is not None:
            line.append(f"{report.duration_ms:9.1f} ms")
            if report.init_duration_ms is None:
                line.append(click.style(f"{'warm':<16}", dim=True))
            else:
                start = f"COLD +{report.init_duration_ms:.0f} ms"
                line.append(click.style(f"{start:<16}", fg="blue", bold=True))
            if report.max_memory_used is not None:
                line.append(click.style(f"{report.max_memory_used} MB", dim=True))
            if report.error_type is not None:
                line.append(click.style(report.error_type, fg="red"))
        self._echo("  ".join(line).rstrip())
