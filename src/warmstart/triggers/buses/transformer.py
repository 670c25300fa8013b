"""A rule's input transformer: a template that parts of the event are filled into. Pure.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

Outside of quotation marks a variable stands for its value as JSON, inside of them for its
text. One whose path leads nowhere is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from warmstart.triggers.buses.paths import MISSING, compile_path, select

__all__ = ["InputTransformer", "InvalidTemplate"]

_PART = re.compile(r'(?P<escape>\\.)|(?P<quote>")|<(?P<name>[\w.-]+)>', re.DOTALL)
_PREFIX = "aws.events."
_RESERVED = {
    "aws.events.event",
    "aws.events.event.ingestion-time",
    "aws.events.event.json",
    "aws.events.rule-arn",
    "aws.events.rule-name",
}


class InvalidTemplate(ValueError):
    """The template, or what is made of it, makes no sense."""


class InputTransformer:
    """Makes a function's event of a bus's.

    Raises:
        InvalidPath: a path is none.
        InvalidTemplate: a variable is unknown, or the template is not one of JSON.
    """

    def __init__(self, paths: Mapping[str, str], template: str) -> None:
        for name in paths:
            if name.startswith(_PREFIX):
                raise InvalidTemplate(f"'{name}' is a name that EventBridge has reserved")
        self._paths = {name: compile_path(path) for name, path in paths.items()}
        self._template = template
        self.transform({}, dict.fromkeys(_RESERVED, ""))

    def transform(self, event: Mapping[str, Any], reserved: Mapping[str, Any]) -> bytes:
        """The JSON for the function. `reserved` has the values of `aws.events.…`.

        Raises:
            InvalidTemplate: what comes out is not JSON.
        """
        values = {name: select(event, steps) for name, steps in self._paths.items()}
        text = self._filled({**values, **reserved})
        try:
            json.loads(text)
        except ValueError as error:
            raise InvalidTemplate(f"what InputTemplate gives is not JSON: {error}") from None
        return text.encode()

    def _filled(self, values: Mapping[str, Any]) -> str:
        quoted = False

        def fill(match: re.Match[str]) -> str:
            nonlocal quoted
            name = match["name"]
            if name is None:
                quoted ^= match["quote"] is not None
                return match[0]
            if name not in values:
                raise InvalidTemplate(f"InputPathsMap has no '{name}'")
            return _written(values[name], quoted=quoted)

        return _PART.sub(fill, self._template)


def _written(value: Any, *, quoted: bool) -> str:
    if value is MISSING:
        value = ""
    if not quoted:
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]
