"""JSON in and out, held to the standard library's."""

from __future__ import annotations

import collections
import decimal
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import warmstart.runtime
from tests.runtime.conftest import Start
from tests.runtime.differences import difference
from tests.runtime.fake_api import FakeRuntimeAPI
from warmstart.runtime.marshaller import JSONMarshaller, decode, encode
from warmstart.runtime.plain import is_plain

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
KEYS = st.text() | st.integers() | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_plain_values_are_encoded_as_the_standard_library_does(value: Any) -> None:
    assert is_plain(value)
    assert encode(value).decode() == json.dumps(value, ensure_ascii=False)


@given(VALUES)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    text = encode(value)
    assert decode(text) == json.loads(text)


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_survives_half_surrogate_pairs_included(text: str) -> None:
    assert json.loads(encode(text)) == text


@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("with_orjson", [True, False])
@given(st.text(st.characters(exclude_categories=[]), min_size=1), st.integers(), st.booleans())
def test_a_long_body_is_encoded_as_any_other(
    with_orjson: bool, text: str, number: int, bare: bool
) -> None:
    text *= 70_000 // len(text) + 1
    value: Any = text if bare else {"statusCode": number, "body": text}
    with pytest.MonkeyPatch.context() as patch:
        if with_orjson:
            pytest.importorskip("orjson")
        else:
            patch.setitem(sys.modules, "orjson", None)
        encoded = encode(value)
    assert encoded == json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_keep_their_digits(number: decimal.Decimal) -> None:
    found = json.loads(encode({"n": [number, "x"]}), parse_float=decimal.Decimal)
    assert str(found["n"][0]) == str(number) or found["n"][0] == number


@given(st.binary(max_size=20) | st.text().map(str.encode))
def test_decoding_refuses_what_the_standard_library_refuses(data: bytes) -> None:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        expected = json.loads(data.decode().removeprefix("\ufeff"), parse_constant=refuse)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - each with a text of its own
            decode(data)
    else:
        assert decode(data) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "NaN"),
        ([float("-inf")], "[-Infinity]"),
        (decimal.Decimal("NaN"), "NaN"),
        ([decimal.Decimal("Infinity")], "[Infinity]"),
    ],
)
def test_nan_is_written_when_it_is_asked_for(value: Any, text: str) -> None:
    assert encode(value, allow_nan=True).decode() == text
    assert JSONMarshaller(allow_nan=True).marshal_response(value)[0].decode() == text
    with pytest.raises(ValueError, match="Out of range"):
        encode(value)


@pytest.mark.parametrize("key", [b"k", decimal.Decimal("1.5"), collections.UserString("u")])
def test_keys_become_text_where_they_can(key: Any) -> None:
    expected = {b"k": "k", decimal.Decimal("1.5"): "1.5"}
    if key in expected:
        assert json.loads(encode({key: 1})) == {expected[key]: 1}
    else:
        with pytest.raises(TypeError):
            encode({key: 1})


def test_depth_without_end_is_an_error_of_its_own() -> None:
    nested: Any = frozenset()
    for _ in range(100_000):
        nested = (nested,) if isinstance(nested, frozenset) else frozenset([nested])
    with pytest.raises(RecursionError):
        encode(nested)
    ring: dict[str, Any] = {}
    ring["again"] = ring
    with pytest.raises(ValueError, match="Circular reference detected"):
        encode(ring)


@difference("marshaller-hook")
def test_a_function_may_bring_its_own_marshaller(
    api: FakeRuntimeAPI, start: Start, row: str
) -> None:
    start("own_json.handler")
    post = api.invoke(b"anything at all")
    assert post.body == b"<'anything at all'>"
    assert post.headers["content-type"] == "text/plain"


@pytest.mark.parametrize("name", ["JSONMarshaller", "LambdaContext", "use_marshaller"])
def test_the_public_names_are_there(name: str) -> None:
    assert callable(getattr(warmstart.runtime, name))


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        warmstart.runtime.other  # noqa: B018 # type: ignore[attr-defined]


def test_the_first_text_of_a_process_that_is_not_json_is_told_as_such() -> None:
    # With nothing imported that would bring `json.decoder` along.
    program = """
import sys
from warmstart.runtime.marshaller import decode
assert "json.decoder" not in sys.modules
try:
    decode(b"{x")
except ValueError as error:
    print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PYTHONPATH": str(Path(warmstart.__file__).parents[1])},
    )

    assert ended.stdout.startswith("Expecting property name enclosed in double quotes")
