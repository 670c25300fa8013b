"""Every way to spoil an event a little: each of its parts replaced by values of other kinds."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

STRANGERS: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "text",
    "é",
    "💥",
    "\ud800",
    "%",
    "%ZZ%FF",
    "443, 80",
    "[::1",
    "a\r\nb: c",
    "\0",
    "=",
    [],
    [None],
    ["\ud800"],
    [[[]]],
    {},
    {"": None},
    {"\ud800": "\ud800"},
    {"a b": {"c": []}},
)


def spoiled(value: Any) -> Iterator[Any]:
    """Copies of the JSON `value` in which one part is another, or is missing."""
    yield from deepcopy(STRANGERS)
    if isinstance(value, dict):
        for key in value:
            yield {other: part for other, part in value.items() if other != key}
            yield from ({**value, key: part} for part in spoiled(value[key]))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
            yield from (
                [*value[:index], part, *value[index + 1 :]] for part in spoiled(value[index])
            )
