"""Query strings as they are sent and as maps."""

from __future__ import annotations

import pytest

from warmstart.events import queries


@pytest.mark.parametrize(
    ("query", "decoded"),
    [
        (b"", {}),
        (b"a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        (b"flag&empty=", {"flag": [""], "empty": [""]}),
        (b"q=a+b%2Bc%20d", {"q": ["a b+c d"]}),
        (b"q=%C3%A9&q=\xc3\xa9", {"q": ["é", "é"]}),
        (b"a=1;b=2", {"a": ["1;b=2"]}),
    ],
)
def test_a_query_is_decoded(query: bytes, decoded: object) -> None:
    assert queries.parse_query(query) == decoded


@pytest.mark.parametrize(
    ("query", "split"),
    [
        (b"", {}),
        (b"a=1&&b=%20&a=+", {"a": ["1", "+"], "b": ["%20"]}),
        (b"flag&x=y=z", {"flag": [""], "x": ["y=z"]}),
    ],
)
def test_a_query_is_split_and_left_encoded(query: bytes, split: object) -> None:
    assert queries.split_query(query) == split


def test_decoded_pairs_are_encoded_as_forms_are() -> None:
    pairs = [("a b", "1+1"), ("é", "&=?")]

    assert queries.encode_query(pairs, "query") == b"a+b=1%2B1&%C3%A9=%26%3D%3F"
    assert queries.encode_query([], "query") == b""


def test_encoded_pairs_are_joined_untouched() -> None:
    assert queries.quote_query([("a%20b", "1+1"), ("c", "/?:@")], "query") == b"a%20b=1+1&c=/?:@"


def test_arrays_go_before_single_values() -> None:
    event = {"many": {"a": ["1", "2"], "b": "3"}, "one": {"a": "2"}}

    assert queries.read_pairs(event, "many", "one") == [("a", "1"), ("a", "2"), ("b", "3")]
    assert queries.read_pairs(event | {"many": None}, "many", "one") == [("a", "2")]
    assert queries.read_pairs({}, "many", "one") == []
