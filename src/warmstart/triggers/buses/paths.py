"""The JSON paths by which a rule takes parts of an event. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["MISSING", "InvalidPath", "compile_path", "select"]

MISSING = object()
"""What a path leads to that leads nowhere."""

_STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]")


class InvalidPath(ValueError):
    """The path is none, or of a kind that is not supported."""


def compile_path(path: str) -> tuple[str | int, ...]:
    """The steps of a path, as `$.detail.items[0]`.

    Raises:
        InvalidPath: it is none; or it leads to many places, as `$..a` and `$.a[*]` do.
    """
    steps: list[str | int] = []
    place = 1
    while path.startswith("$") and place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            break
        name, quoted, index = match.groups()
        steps.append(int(index) if index is not None else name or quoted)
        place = match.end()
    if not path.startswith("$") or place < len(path):
        raise InvalidPath(f"{path!r} is no path as $.detail.items[0] is")
    return tuple(steps)


def select(event: Any, steps: tuple[str | int, ...]) -> Any:
    """What is there in the event, or `MISSING`."""
    for step in steps:
        if isinstance(step, str) and isinstance(event, dict) and step in event:
            event = event[step]
        elif isinstance(step, int) and isinstance(event, list) and step < len(event):
            event = event[step]
        else:
            return MISSING
    return event
