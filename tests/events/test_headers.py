"""Headers as maps of strings and as pairs of bytes."""

from __future__ import annotations

import pytest

from warmstart.events import headers
from warmstart.events.errors import MalformedEvent
from warmstart.events.http import Headers


def test_names_are_lower_case_bytes_however_many_there_are() -> None:
    names = [f"X-Name-{number}" for number in range(1000)] + ["X-" + "A" * 100]

    for _ in range(2):  # the first time and from memory
        decoded = headers.decode_map(dict.fromkeys(names, "v"), "headers")

        assert decoded == [(name.lower().encode(), b"v") for name in names]


def test_a_name_outside_latin_1_is_utf_8() -> None:
    assert headers.decode_map({"€": "v", "É": "w"}, "headers") == [
        ("€".encode(), b"v"),
        (b"\xc9", b"w"),  # only ASCII letters have a case in HTTP
    ]


def test_what_is_absent_is_empty() -> None:
    assert headers.decode_map(None, "headers") == []
    assert headers.decode_list_map(None, "headers") == []


def test_cookies_apart_become_one_header_in_their_place() -> None:
    decoded = headers.decode_list_map({"a": ["1"], "Cookie": ["x=1", "y=2"], "b": []}, "headers")

    assert decoded == [(b"a", b"1"), (b"cookie", b"x=1; y=2")]
    assert headers.decode_list_map({"cookie": []}, "headers") == []


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(MalformedEvent, match=r"headers\.x: has half of a surrogate pair"):
        headers.decode_map({"x": "\udc00"}, "headers")


def test_repeats_are_joined_and_cookies_by_semicolons() -> None:
    pairs: Headers = [(b"a", b"1"), (b"cookie", b"x=1"), (b"a", b"2"), (b"cookie", b"y=2")]

    assert headers.joined(pairs) == {"a": "1, 2", "cookie": "x=1; y=2"}
    assert headers.joined(pairs, ",") == {"a": "1,2", "cookie": "x=1; y=2"}


def test_whitespace_around_values_is_not_joined_into_one() -> None:
    pairs = [(b"a", b" 1\t"), (b"a", b" "), (b"a", b""), (b"b", b""), (b"b", b" ")]
    assert headers.joined(pairs) == {"a": "1, , ", "b": ", "}


def test_each_of_many_cookies_has_a_key_of_its_own() -> None:
    cookies = [f"c{number}=v" for number in range(512)]

    texts = headers.single_map([(b"set-cookie", cookie.encode()) for cookie in cookies])

    assert list(texts.values()) == cookies
    assert {name.lower() for name in texts} == {"set-cookie"}
    assert next(iter(texts)) == "set-cookie"


def test_hop_by_hop_headers_end_here_with_those_that_connection_names() -> None:
    pairs: Headers = [
        (b"connection", b"keep-alive, X-Hop"),
        (b"connection", b"x-other"),
        (b"keep-alive", b"timeout=5"),
        (b"te", b"trailers"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"websocket"),
        (b"proxy-connection", b"close"),
        (b"x-hop", b"1"),
        (b"x-other", b"1"),
        (b"x-end", b"1"),
    ]

    assert headers.end_to_end(pairs) == [(b"x-end", b"1")]
