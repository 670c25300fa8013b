"""The JSON of a shape's value, in both directions.

An operation sees bytes for a blob and an aware datetime for a timestamp. What is
absent or null is left out of a structure in both directions; members that a model
does not know are ignored in a request, as AWS does, and are our own fault in a
response.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from warmstart.service.api.errors import ApiError
from warmstart.service.api.model import Shape

__all__ = ["decode", "decode_text", "encode", "encode_text", "load", "member_of", "wire_name"]


def wire_name(member: Shape, name: str) -> str:
    """The name of a structure's member in a document, a header or a query."""
    found: str = member.serialization.get("name", name)
    return found


def member_of(structure: Shape, name: str) -> Shape:
    """A structure's member.

    Raises:
        TypeError: the structure has no such member.
    """
    try:
        return structure.members[name]
    except KeyError:
        raise TypeError(f"{structure.name} has no member {name!r}.") from None


def load(body: bytes) -> Any:
    """The JSON document of a request's body.

    Raises:
        ApiError: it is not JSON.
    """
    try:
        document = json.loads(body.decode(), parse_constant=_refuse_constant)
        if b"\\u" in body:
            # Half a surrogate pair is no text, and could be neither stored nor answered.
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except (ValueError, RecursionError) as error:
        raise _refused(f"Could not parse request body into json: {error}") from None


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _refused(message: str) -> ApiError:
    return ApiError("SerializationException", message)


# From JSON. The texts are those of the deserializer that AWS's services share, odd
# articles included ("an Boolean").


def decode(shape: Shape, value: Any) -> Any:
    """The value that a shape's JSON stands for.

    Raises:
        ApiError: a value's type is not the shape's.
    """
    return _DECODERS[shape.type_name](shape, value)


def _decode_structure(shape: Shape, value: Any) -> dict[str, Any]:
    document = _document(value)
    members = {}
    for name, member in shape.members.items():
        found = document.get(wire_name(member, name))
        if found is not None:
            members[name] = decode(member, found)
    return members


def _decode_map(shape: Shape, value: Any) -> dict[str, Any]:
    return {
        key: None if item is None else decode(shape.value, item)
        for key, item in _document(value).items()
    }


def _document(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise _refused(_LIST if isinstance(value, list) else "Expected null")


def _decode_list(shape: Shape, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _refused(_STRUCTURE if isinstance(value, dict) else "Expected list or null")
    return [None if item is None else decode(shape.member, item) for item in value]


_LIST = "Start of list found where not expected"
_STRUCTURE = "Start of structure or map found where not expected."


def _decode_string(shape: Shape, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _no("a String", value)


def _decode_integer(shape: Shape, value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _no("a Long" if shape.type_name == "long" else "an Integer", value)


def _decode_double(shape: Shape, value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise _refused("A number is too large.") from None
    raise _no("a Float" if shape.type_name == "float" else "a Double", value)


def _decode_boolean(shape: Shape, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise _no("an Boolean", value)
    raise _no("a Boolean", value)


_TRUE = frozenset({"true", "yes", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "0"})


def _decode_blob(shape: Shape, value: Any) -> bytes:
    if not isinstance(value, str):
        raise _no("a Blob", value)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise _refused(f"A blob is not base64: {error}") from None


def _decode_timestamp(shape: Shape, value: Any) -> datetime:
    """Seconds since the epoch, unless the shape says otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _no("a Timestamp", value)
    try:
        if isinstance(value, str):
            return _timestamp(value)
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise _refused(f"{value!r} is not a time.") from None


def _no(kind: str, value: Any) -> ApiError:
    if isinstance(value, list):
        return _refused(_LIST)
    if isinstance(value, dict):
        return _refused(_STRUCTURE)
    return _refused(f"{_TOKENS[type(value)](value)} can not be converted to {kind}")


_TOKENS: dict[type, Callable[[Any], str]] = {
    str: lambda _: "STRING_VALUE",
    bool: lambda value: "TRUE_VALUE" if value else "FALSE_VALUE",
    int: lambda _: "NUMBER_VALUE",
    float: lambda _: "DECIMAL_VALUE",
}

_DECODERS: dict[str, Callable[[Shape, Any], Any]] = {
    "structure": _decode_structure,
    "map": _decode_map,
    "list": _decode_list,
    "string": _decode_string,
    "integer": _decode_integer,
    "long": _decode_integer,
    "double": _decode_double,
    "float": _decode_double,
    "boolean": _decode_boolean,
    "blob": _decode_blob,
    "timestamp": _decode_timestamp,
}


# To JSON


def encode(shape: Shape, value: Any) -> Any:
    """The JSON of a shape's value.

    Raises:
        TypeError: the value has a member that the shape does not have.
    """
    encoder = _ENCODERS.get(shape.type_name)
    return value if encoder is None else encoder(shape, value)


def _encode_structure(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    document = {}
    for name, item in value.items():
        member = member_of(shape, name)
        if item is not None:
            document[wire_name(member, name)] = encode(member, item)
    return document


def _encode_map(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    return {key: encode(shape.value, item) for key, item in value.items()}


def _encode_list(shape: Shape, value: list[Any]) -> list[Any]:
    return [encode(shape.member, item) for item in value]


def _encode_blob(shape: Shape, value: bytes) -> str:
    return base64.b64encode(value).decode()


def _encode_timestamp(shape: Shape, value: datetime) -> int | float:
    seconds = value.timestamp()
    return int(seconds) if seconds.is_integer() else seconds


_ENCODERS: dict[str, Callable[[Shape, Any], Any]] = {
    "structure": _encode_structure,
    "map": _encode_map,
    "list": _encode_list,
    "blob": _encode_blob,
    "timestamp": _encode_timestamp,
}


# Paths, queries and headers


def decode_text(shape: Shape, text: str) -> Any:
    """The value that a label, a query's parameter or a header stands for.

    Raises:
        ApiError: it cannot be of the shape's type.
    """
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind == "timestamp":
            return _timestamp(text)
    except ValueError:
        raise _no("an Integer" if kind == "integer" else f"a {kind.title()}", text) from None
    return _decode_boolean(shape, text) if kind == "boolean" else text


def encode_text(shape: Shape, value: Any) -> str:
    """The text of a header's value."""
    if shape.type_name == "timestamp":
        return format_datetime(value, usegmt=True)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)


def _timestamp(text: str) -> datetime:
    """A time in ISO 8601, as queries have it, or as HTTP's own headers have it."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = parsedate_to_datetime(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
