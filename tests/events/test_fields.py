"""Reading untrusted JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from warmstart.events import fields
from warmstart.events.errors import EventError, MalformedEvent, MalformedResponse

Reader = Callable[..., Any]

# Each reader, what it makes of an absent member, and a value that it takes.
READERS: list[tuple[Reader, Any, Any]] = [
    (fields.read_object, {}, {"a": 1}),
    (fields.read_list, [], [1, None]),
    (fields.read_text, "", "é"),
    (fields.read_flag, False, True),
]


@pytest.mark.parametrize(("read", "absent", "value"), READERS)
def test_null_and_absence_are_the_same(read: Reader, absent: Any, value: Any) -> None:
    assert read({}, "key") == absent
    assert read({"key": None}, "key") == absent
    assert read({"key": value}, "key") == value


@pytest.mark.parametrize(
    ("read", "value", "problem"),
    [
        (fields.read_object, [], "must be an object, not an array"),
        (fields.read_list, {}, "must be an array, not an object"),
        (fields.read_list, "text", "must be an array, not a string"),
        (fields.read_text, 1, "must be a string, not a number"),
        (fields.read_text, 1.5, "must be a string, not a number"),
        (fields.read_text, False, "must be a string, not a boolean"),
        (fields.read_flag, 0, "must be a boolean, not a number"),
        (fields.read_flag, "", "must be a boolean, not a string"),
        (fields.require_text, [], "must be a string, not an array"),
        (fields.require_text, "", "is missing"),
        (fields.require_text, None, "is missing"),
    ],
)
@pytest.mark.parametrize("error", [MalformedEvent, MalformedResponse])
def test_what_is_wrong_is_named_by_its_path(
    read: Reader, value: Any, problem: str, error: type[EventError]
) -> None:
    with pytest.raises(error) as caught:
        read({"key": value}, "key", "parent.", error)

    assert str(caught.value) == f"parent.key: {problem}"


def test_an_object_may_be_empty_but_must_be_there() -> None:
    assert fields.require_object({}, "event") == {}
    with pytest.raises(MalformedEvent, match=r"^event: must be an object, not null$"):
        fields.require_object(None, "event")


def test_a_value_of_no_kind_that_json_has_is_called_by_its_type() -> None:
    assert fields.expected("a string", b"x") == "must be a string, not bytes"


@pytest.mark.parametrize("error", [MalformedEvent, MalformedResponse])
def test_half_of_a_surrogate_pair_is_no_text(error: fields.Malformed) -> None:
    assert fields.utf8("💥", "body", error) == b"\xf0\x9f\x92\xa5"
    with pytest.raises(error) as caught:
        fields.utf8("\ud83d", "body", error)

    assert str(caught.value) == "body: has half of a surrogate pair, which is no character"
