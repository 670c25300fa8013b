"""Which records of a stream reach the function. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warmstart.triggers.queues.filters import message_filter

__all__ = ["record_filter"]


def record_filter(patterns: Sequence[str]) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a record's event matches one of the patterns, or there are none.

    Of Kinesis, patterns are of what stands under `kinesis`, with the data as it was sent;
    of DynamoDB, of the whole record.
    """
    by_data = message_filter(patterns, "data")
    whole = message_filter(patterns, None)

    def is_wanted(event: Mapping[str, Any]) -> bool:
        if "kinesis" not in event:
            return whole(event)
        sent: Mapping[str, Any] = event["kinesis"]
        return by_data({**sent, "data": b64decode(sent["data"]).decode(errors="replace")})

    return is_wanted
