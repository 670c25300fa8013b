"""What of a log group a function is to get."""

from __future__ import annotations

from dataclasses import dataclass

from warmstart.triggers.enqueuer import Target

__all__ = ["LogSubscription"]


@dataclass(frozen=True, slots=True)
class LogSubscription:
    """Sends a group's log events that match to a function; whoever reads the logs compiles it."""

    name: str
    target: Target
    log_group: str
    filter_pattern: str = ""
