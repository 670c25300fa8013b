"""The status of a response."""

from __future__ import annotations

from warmstart.events.errors import MalformedResponse
from warmstart.events.fields import expected

__all__ = ["read_status"]


def read_status(value: object, field: str) -> int:
    """The three-digit status that a function gave as a number or as a string of digits."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedResponse(field, expected("a status code", value))
    if not 100 <= value <= 999:
        raise MalformedResponse(field, "must be a status code of three digits")
    return value
