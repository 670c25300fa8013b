"""Values of botocore's shapes, for property tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_MOMENTS = st.integers(0, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# What can stand in a header as it is.
_HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


def values(shape: Any) -> SearchStrategy[Any]:
    """What a value of this shape may be, its constraints left aside."""
    kinds: dict[str, SearchStrategy[Any]] = {
        "string": _TEXT,
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "blob": st.binary(max_size=40),
        "timestamp": _MOMENTS,
    }
    if shape.type_name in kinds:
        return kinds[shape.type_name]
    if shape.type_name == "list":
        return st.lists(values(shape.member), max_size=3)
    if shape.type_name == "map":
        return st.dictionaries(_TEXT, values(shape.value), max_size=3)
    return st.fixed_dictionaries(
        {}, optional={name: st.deferred(_later(member)) for name, member in shape.members.items()}
    )


def _later(shape: Any) -> Any:
    return lambda: values(shape)


def requests(shape: Any) -> SearchStrategy[dict[str, Any]]:
    """The members of an operation's input; those of the path are always there."""
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if location == "uri":
            text = member.type_name == "string"
            required[name] = _TEXT.filter(bool) if text else st.integers(1, 99)
        elif location == "querystring" and member.type_name == "list":
            optional[name] = st.lists(values(member.member), min_size=1, max_size=3)
        elif name == shape.serialization.get("payload"):
            # botocore sends an absent document as an empty one, so it is never absent here.
            blob = member.type_name == "blob"
            required[name] = st.binary(min_size=1, max_size=40) if blob else values(member)
        else:
            optional[name] = _HEADER if location == "header" else values(member)
    return st.fixed_dictionaries(required, optional=optional)


def responses(shape: Any) -> SearchStrategy[dict[str, Any]]:
    """The members of an operation's output, or of an error."""
    members = {}
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        members[name] = _HEADER if location == "header" else values(member)
        if location == "statusCode":
            members[name] = st.sampled_from([200, 202])
    return st.fixed_dictionaries({}, optional=members)
