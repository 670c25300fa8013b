"""Which records of a JSON log are kept. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from __future__ import annotations

import json
from typing import Any

__all__ = ["application_level", "level_of", "passes"]

_LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "WARNING": 3, "ERROR": 4, "FATAL": 5}
_LEVELS["CRITICAL"] = 5  # Python's word for it

_DEBUG = {"platform.initRuntimeDone", "platform.runtimeDone", "platform.restoreRuntimeDone"}


def passes(level: str, threshold: str) -> bool:
    """Whether a record of `level` is kept where `threshold` and above are."""
    return _LEVELS.get(level.upper(), 2) >= _LEVELS[threshold]


def level_of(record: dict[str, Any]) -> str:
    """The level of a platform record: DEBUG, INFO or WARN."""
    facts = record["record"]
    if facts.get("status", "success") != "success":
        return "WARN"
    kind = record["type"]
    if kind in _DEBUG:
        return "DEBUG"
    if kind == "platform.initReport" and facts["initializationType"] == "on-demand":
        return "DEBUG"
    return "INFO"


def application_level(line: str) -> str | None:
    """The level of a line that is a JSON object, INFO if it names none; `None` for plain text."""
    if not line.startswith("{"):
        return None
    try:
        level = json.loads(line).get("level")
    except (ValueError, RecursionError):
        return None
    return level.upper() if isinstance(level, str) and level.upper() in _LEVELS else "INFO"
