"""`Marker` and `MaxItems`: long lists in pages.

A marker is opaque to clients. It holds the key of the last item that was given,
and the next page begins with the first key above it, so that no item is given
twice or left out because others came or went in between.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members

__all__ = ["page"]

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", str, int)


def page(
    member: str,
    items: Iterable[_Item],
    parameters: Members,
    key: Callable[[_Item], _Key],
    *,
    max_items: int = 50,
) -> Members:
    """The page that `Marker` and `MaxItems` ask for, as the output's `member` and `NextMarker`.

    The list is in the order of `key`, which is different for each item.
    `max_items` is the most that AWS gives at once.

    Raises:
        ApiError: the marker is none that this list gave.
    """
    rest = sorted(items, key=key)
    if marker := parameters.get("Marker"):
        rest = _above(marker, rest, key)
    size = min(parameters.get("MaxItems") or max_items, max_items)
    output: Members = {member: rest[:size]}
    if len(rest) > size:
        last = json.dumps(key(rest[size - 1]))
        output["NextMarker"] = base64.urlsafe_b64encode(last.encode()).decode()
    return output


def _above(marker: str, items: list[_Item], key: Callable[[_Item], _Key]) -> list[_Item]:
    try:
        last = json.loads(base64.b64decode(marker, altchars=b"-_", validate=True))
        return [item for item in items if key(item) > last]
    except (ValueError, TypeError):
        raise ApiError(
            "InvalidParameterValueException", f"Invalid pagination token: {marker}"
        ) from None
