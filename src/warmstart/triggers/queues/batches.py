"""How messages become batches, and how many batches are at the function. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from warmstart.invoke import MAX_PAYLOAD

__all__ = ["Limit", "split"]

_FRAME = len('{"Records": []}')
_SEPARATOR = len(", ")
_FIRST = 5
"""AWS begins with so many, too."""


def split(records: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Batches of at most `size` records, each short enough for an invocation."""
    batch: list[dict[str, Any]] = []
    length = _FRAME
    for record in records:
        added = len(json.dumps(record)) + _SEPARATOR
        if batch and (len(batch) == size or length + added > MAX_PAYLOAD):
            yield batch
            batch, length = [], _FRAME
        batch.append(record)
        length += added
    if batch:
        yield batch


class Limit:
    """How many batches may be at the function: more while it goes well, half when throttled."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self.value = min(_FIRST, maximum)

    def succeeded(self) -> None:
        """A batch was not throttled."""
        self.value = min(self.value + 1, self._maximum)

    def throttled(self) -> None:
        """A batch was."""
        self.value = max(1, self.value // 2)
