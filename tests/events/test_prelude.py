"""The prelude of a streamed response."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.changes import replace
from tests.events.strategies import repeatable, responses
from warmstart.events import prelude
from warmstart.events.errors import MalformedResponse
from warmstart.events.http import HTTPResponse
from warmstart.events.prelude import MAX_PRELUDE, PreludeParser

END = bytes(8)


def parsed(metadata: object) -> HTTPResponse:
    response = PreludeParser().feed(json.dumps(metadata).encode() + END)
    assert response
    return response


def test_a_prelude_is_json_and_eight_nuls() -> None:
    response = HTTPResponse(
        200,
        [
            (b"content-type", b"text/plain"),
            (b"vary", b"accept"),
            (b"vary", b"cookie"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=\xe9\x00"),
        ],
    )

    text, end, body = prelude.build(response).partition(END)

    assert json.loads(text) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "vary": "accept, cookie"},
        "cookies": ["a=1", "b=é\0"],
    }
    assert (end, body) == (END, b"")


def test_without_cookies_there_is_no_list_of_them() -> None:
    assert prelude.build(HTTPResponse(204)) == b'{"statusCode":204,"headers":{}}' + END


# Repeats are joined, but cookies are not; these come after the headers.
@given(responses(repeats=False), st.lists(st.integers(0, 200), max_size=6))
@repeatable
def test_any_response_is_carried_in_pieces_of_any_size(
    response: HTTPResponse, cuts: list[int]
) -> None:
    stream = prelude.build(response) + response.body
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[begin:end] for begin, end in pairwise(places)]
    parser = PreludeParser()

    while (decoded := parser.feed(pieces.pop(0))) is None:
        pass
    decoded.body += b"".join(pieces)

    assert decoded == response


def test_a_delimiter_cut_in_two_is_found() -> None:
    parser = PreludeParser()

    assert parser.feed(b'{"statusCode":201}\0\0\0') is None
    assert parser.feed(b"\0\0\0\0") is None
    assert parser.feed(b"\0body") == HTTPResponse(201, [], b"body")


def test_a_body_may_begin_with_nuls() -> None:
    assert PreludeParser().feed(b"{}" + END + b"\0\0x") == HTTPResponse(200, [], b"\0\0x")


def test_every_member_may_be_absent() -> None:
    assert parsed({}) == HTTPResponse(200)
    assert parsed({"headers": None, "cookies": None, "statusCode": None}) == HTTPResponse(200)


def test_lists_of_values_go_before_single_ones() -> None:
    response = parsed(
        {
            "headers": {"X-Tag": "zero", "Vary": "accept"},
            "multiValueHeaders": {"x-tag": ["one", "two"]},
        }
    )

    assert response.headers == [(b"vary", b"accept"), (b"x-tag", b"one"), (b"x-tag", b"two")]


def test_a_prelude_of_just_16_kb_is_read() -> None:
    room = MAX_PRELUDE - len(END) - len('{"headers":{"x":""}}')
    parser = PreludeParser()

    response = parser.feed(b'{"headers":{"x":"' + b"a" * room + b'"}}' + END + b"body")

    assert response == HTTPResponse(200, [(b"x", b"a" * room)], b"body")


@pytest.mark.parametrize("piece", [1000, 2 * MAX_PRELUDE])
def test_a_longer_prelude_is_refused(piece: int) -> None:
    room = MAX_PRELUDE - len(END) - len('{"headers":{"x":""}}') + 1
    stream = b'{"headers":{"x":"' + b"a" * room + b'"}}' + END + b"body"
    pieces = [stream[begin : begin + piece] for begin in range(0, MAX_PRELUDE, piece)]
    parser = PreludeParser()
    for early in pieces[:-1]:
        assert parser.feed(early) is None

    with pytest.raises(MalformedResponse, match="prelude: does not end within 16384 bytes"):
        parser.feed(pieces[-1])


def test_a_stream_that_ends_early_is_refused() -> None:
    parser = PreludeParser()
    parser.feed(b'{"statusCode"')

    with pytest.raises(MalformedResponse, match="prelude: the stream ended within it"):
        parser.finish()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("prelude", b"Hello"),
        ("prelude", b"\xff"),
        ("prelude", b""),
        ("prelude", b"[" * 8000),
        ("prelude", b"[]"),
        ("statusCode", b'{"statusCode":"two hundred"}'),
        ("statusCode", b'{"statusCode":20}'),
        ("headers", b'{"headers":[]}'),
        ("headers.x", b'{"headers":{"x":1}}'),
        ("headers.x", b'{"headers":{"x":"a\\nb"}}'),
        ("headers.", b'{"headers":{"":"a"}}'),
        ("multiValueHeaders.x", b'{"multiValueHeaders":{"x":"1"}}'),
        ("multiValueHeaders.x", b'{"multiValueHeaders":{"x":[null]}}'),
        ("cookies", b'{"cookies":"a=1"}'),
    ],
)
def test_a_malformed_prelude_names_its_field(field: str, text: bytes) -> None:
    with pytest.raises(MalformedResponse) as caught:
        PreludeParser().feed(text + END)

    assert caught.value.field == field


def test_the_body_of_the_response_is_not_in_its_prelude() -> None:
    response = HTTPResponse(200, [(b"etag", b"a")], b"body")

    assert prelude.build(response) == prelude.build(replace(response, body=b""))
