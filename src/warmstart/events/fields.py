"""Reading untrusted JSON: each value is checked where it is read, and named if it is wrong.

To every reader here an absent member and a `null` one are the same: typed
loggers and older samples write `null` where AWS leaves a member out.
"""

from __future__ import annotations

from warmstart.events.errors import MalformedEvent, MalformedResponse

TYPE_CHECKING = False  # known to type checkers; importing `typing` would take milliseconds
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Malformed: TypeAlias = type[MalformedEvent] | type[MalformedResponse]

__all__ = [
    "HALF_CHARACTER",
    "expected",
    "read_flag",
    "read_list",
    "read_object",
    "read_text",
    "require_object",
    "require_text",
    "utf8",
]

HALF_CHARACTER = "has half of a surrogate pair, which is no character"

_KINDS = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def expected(what: str, value: Any) -> str:
    """The problem of a `value` that is not `what`, in JSON's words."""
    return f"must be {what}, not {_KINDS.get(type(value), type(value).__name__)}"


def require_object(value: Any, field: str, error: Malformed = MalformedEvent) -> dict[str, Any]:
    """`value`, which must be an object. `field` names it in the error."""
    if not isinstance(value, dict):
        raise error(field, expected("an object", value))
    return value


def read_object(
    parent: dict[str, Any], key: str, where: str = "", error: Malformed = MalformedEvent
) -> dict[str, Any]:
    """The object `parent[key]`, empty if it is absent. `where` is the parent's path and a dot."""
    value = parent.get(key)
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise error(where + key, expected("an object", value))


def read_list(
    parent: dict[str, Any], key: str, where: str = "", error: Malformed = MalformedEvent
) -> list[Any]:
    """The array `parent[key]`, empty if it is absent."""
    value = parent.get(key)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise error(where + key, expected("an array", value))


def read_text(
    parent: dict[str, Any], key: str, where: str = "", error: Malformed = MalformedEvent
) -> str:
    """The string `parent[key]`, empty if it is absent."""
    value = parent.get(key)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise error(where + key, expected("a string", value))


def require_text(
    parent: dict[str, Any], key: str, where: str = "", error: Malformed = MalformedEvent
) -> str:
    """The string `parent[key]`, which must be there and not empty."""
    value = parent.get(key)
    if isinstance(value, str) and value:
        return value
    absent = value is None or value == ""
    raise error(where + key, "is missing" if absent else expected("a string", value))


def read_flag(
    parent: dict[str, Any], key: str, where: str = "", error: Malformed = MalformedEvent
) -> bool:
    """The boolean `parent[key]`, false if it is absent."""
    value = parent.get(key)
    if isinstance(value, bool):
        return value
    if value is None:
        return False
    raise error(where + key, expected("a boolean", value))


def utf8(text: str, field: str, error: Malformed = MalformedEvent) -> bytes:
    """`text` as UTF-8."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise error(field, HALF_CHARACTER) from None
