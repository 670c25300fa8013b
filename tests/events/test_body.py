"""Bodies as text or base64."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events.strategies import repeatable
from warmstart.events import body
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import Headers, HTTPResponse

LARGE = 70_000
"""Bytes from which `pybase64` is used if it is there, encoded and decoded."""


@pytest.fixture(params=["pybase64", "the standard library"])
def with_or_without_pybase64(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if request.param == "pybase64":
        pytest.importorskip("pybase64")
    else:
        monkeypatch.setitem(sys.modules, "pybase64", None)


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([], True),  # tried as text
        ([(b"content-type", b"")], True),
        ([(b"content-type", b"text/plain")], True),
        ([(b"content-type", b"TEXT/HTML; Charset=UTF-8")], True),
        ([(b"content-type", b"application/json")], True),
        ([(b"content-type", b" application/json ; charset=utf-8")], True),
        ([(b"content-type", b"application/problem+json")], True),
        ([(b"content-type", b"image/svg+xml")], True),
        ([(b"content-type", b"application/x-ndjson")], True),
        ([(b"content-type", b"application/x-www-form-urlencoded")], True),
        ([(b"content-type", b"application/vnd.company.report; charset=utf-8")], True),
        ([(b"content-type", b"application/octet-stream")], False),
        ([(b"content-type", b"image/png")], False),
        ([(b"content-type", b"multipart/form-data; boundary=x")], False),
        ([(b"content-type", b"application/json-is-not-this")], False),
        ([(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], False),
        ([(b"content-encoding", b"br"), (b"content-type", b"text/plain")], False),
        ([(b"content-type", b"text/plain"), (b"content-encoding", b"Identity")], True),
        ([(b"content-type", b"text/plain"), (b"content-encoding", b" ")], True),
    ],
)
def test_a_responses_headers_tell_whether_its_body_is_text(headers: Headers, text: bool) -> None:
    assert body.is_text(HTTPResponse(200, headers)) is text


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([], False),
        ([(b"content-type", b"text/csv")], True),
        ([(b"content-type", b"Application/JSON; charset=utf-8")], True),
        ([(b"content-type", b"application/javascript")], True),
        ([(b"content-type", b"application/xml")], True),
        ([(b"content-type", b"application/x-www-form-urlencoded")], False),
        ([(b"content-type", b"application/problem+json")], False),
        ([(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], False),
    ],
)
def test_front_doors_know_fewer_types_of_text(headers: Headers, text: bool) -> None:
    assert body.request_is_text(headers) is text


def test_text_goes_as_it_is() -> None:
    assert body.encode_body("é".encode(), text=True) == ("é", False)


def test_text_that_is_not_utf_8_goes_as_base64() -> None:
    assert body.encode_body(b"\xff", text=True) == ("/w==", True)


def test_an_absent_body_is_empty() -> None:
    assert body.decode_body({}) == body.decode_body({"body": None}) == b""
    assert body.decode_body({"body": "", "isBase64Encoded": True}) == b""


@given(st.binary(), st.booleans())
@repeatable
def test_any_body_is_carried(data: bytes, text: bool) -> None:
    encoded, is_base64 = body.encode_body(data, text=text)

    assert body.decode_body({"body": encoded, "isBase64Encoded": is_base64}) == data


@pytest.mark.usefixtures("with_or_without_pybase64")
@pytest.mark.parametrize("size", [0, 1, 2, 3, LARGE, LARGE + 1, LARGE + 2])
def test_base64_is_the_standard_one_at_any_size(size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]

    text = body.encode_base64(data)

    assert not set(text) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    assert len(text) == (size + 2) // 3 * 4
    assert body.decode_base64(text, "body") == data


@pytest.mark.usefixtures("with_or_without_pybase64")
@pytest.mark.parametrize(
    "rest", ["A", "AB", "ABC", "AB=", "AB==AB==", "AB==\n", "A B==", "AB!=", "é", "-_-_", "\ud800"]
)
@pytest.mark.parametrize("begin", ["", "AAAA" * LARGE], ids=["small", "large"])
def test_bad_base64_is_refused_at_any_size(begin: str, rest: str) -> None:
    with pytest.raises(MalformedEvent, match="body: is not base64") as caught:
        body.decode_base64(begin + rest, "body")

    assert caught.value.field == "body"


def test_the_error_is_the_callers() -> None:
    with pytest.raises(MalformedResponse):
        body.decode_body({"body": "A", "isBase64Encoded": True}, error=MalformedResponse)
