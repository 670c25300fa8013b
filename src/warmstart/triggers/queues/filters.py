"""Which messages of a queue reach the function. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warmstart.events.patterns import Matches, compile_pattern

__all__ = ["message_filter"]


def message_filter(
    patterns: Sequence[str], content: str | None = "body"
) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a record matches one of the patterns, or there are none.

    `content` is the record's member that is a text, into which patterns may look if it is
    JSON. A pattern of its members takes JSON alone, one of the whole text other texts alone.

    Raises:
        InvalidPattern: one of them is none.
    """
    tests = [_test(pattern, content) for pattern in patterns]
    return lambda record: not tests or any(test(record) for test in tests)


def _test(text: str, content: str | None) -> Matches:
    matches = compile_pattern(text)
    body = json.loads(text).get(content)
    if content is None or body is None:
        return matches
    wants_json = isinstance(body, Mapping)

    def test(record: Mapping[str, Any]) -> bool:
        parsed = _parsed(record[content])
        if (parsed is not None) != wants_json:
            return False
        return matches({**record, content: parsed} if wants_json else record)

    return test


def _parsed(body: str) -> Any:
    """A body that is a JSON object or array; `None` for others."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # of thousands of brackets
        return None
    return value if isinstance(value, dict | list) else None
