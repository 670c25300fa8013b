"""Changes of single values of an event: `Records[0].s3.object.key=a.txt`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

__all__ = ["InvalidChange", "changed"]

_STEP = re.compile(r'\[(\d+)\]|(?:^|\.)(?:"([^"]+)"|([^.\["]+))')


class InvalidChange(ValueError):
    """A change does not fit the event; the message says what is there."""


def changed(event: Any, changes: Iterable[str]) -> Any:
    """A copy of an event with `changes`, each `path=value`, made in it.

    A path is of names, and numbers for elements of lists: `Records[0].body`, or
    `Records.0.body`; a name with dots is quoted. The value is JSON, or else a text; where
    a text is to be replaced, it is a text in any case. An object may get new members.

    Raises:
        InvalidChange: there is no such path.
    """
    copy = deepcopy(event)
    for change in changes:
        path, equals, value = change.partition("=")
        if not equals:
            raise InvalidChange(f"'{change}' is not path=value")
        *way, last = _steps(path)
        place = copy
        for number, step in enumerate(way):
            place = _member(place, step, way[:number])
        _set(place, last, value, way)
    return copy


def _steps(path: str) -> list[str]:
    steps, end = [], 0
    while end < len(path):
        match = _STEP.match(path, end)
        if match is None:
            break
        steps.append(next(group for group in match.groups() if group is not None))
        end = match.end()
    if not steps or end < len(path):
        raise InvalidChange(f"'{path}' is no path: write it as Records[0].body")
    return steps


def _member(place: Any, step: str, before: list[str]) -> Any:
    if isinstance(place, dict) and step in place:
        return place[step]
    if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return place[int(step)]
    raise InvalidChange(f"There is no {step} in {'.'.join(before) or 'the event'}: {_told(place)}")


def _set(place: Any, step: str, text: str, before: list[str]) -> None:
    if isinstance(place, dict):
        place[step] = _value(text, place.get(step))
    else:
        old = _member(place, step, before)
        place[int(step)] = _value(text, old)


def _value(text: str, old: Any) -> Any:
    if isinstance(old, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(place: Any) -> str:
    if isinstance(place, dict):
        return f"it has {', '.join(place)}"
    if isinstance(place, list):
        return f"it is a list of {len(place)}"
    return f"it is {json.dumps(place)}"
