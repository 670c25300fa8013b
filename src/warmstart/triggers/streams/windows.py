"""Tumbling windows: records by the time at which they arrived, and a state that is handed on. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from warmstart.triggers.streams.model import Record

__all__ = ["MAX_STATE", "InvalidState", "by_window", "returned_state", "window_members"]

MAX_STATE = 1024 * 1024
"""Bytes of a state at which its window is ended early."""


class InvalidState(ValueError):
    """The function's answer has no state, for which it counts as failed."""


def by_window(records: Iterable[Record], size: int) -> Iterator[tuple[float, list[Record]]]:
    """Records by their windows, each told by its beginning."""
    for start, found in groupby(records, lambda record: record.arrived // size * size):
        yield start, list(found)


def window_members(
    start: float, size: int, state: str, shard_id: str, stream_arn: str, *, final: bool, early: bool
) -> dict[str, Any]:
    """What an event says of its window."""
    return {
        "window": {"start": _time(start), "end": _time(start + size)},
        "state": json.loads(state),
        "shardId": shard_id,
        "eventSourceARN": stream_arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def returned_state(payload: bytes) -> str:
    """The state that the function hands on, as JSON."""
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        raise InvalidState("the answer is not JSON") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("state"), dict):
        raise InvalidState('the answer is not {"state": {…}}')
    return json.dumps(answer["state"])


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
