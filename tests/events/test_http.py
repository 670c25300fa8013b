"""The two messages that every format is turned into."""

from __future__ import annotations

import pytest

from warmstart.events.http import HTTPRequest, HTTPResponse


def test_messages_are_equal_part_by_part() -> None:
    request = HTTPRequest("GET", "/a", b"/a", headers=[(b"host", b"a.example")])

    assert request == HTTPRequest("GET", "/a", b"/a", headers=[(b"host", b"a.example")])
    assert request != HTTPRequest("GET", "/a", b"/a", headers=[(b"host", b"b.example")])
    assert HTTPResponse(200) == HTTPResponse(200, [], b"")
    assert HTTPResponse(200) != HTTPResponse(201)
    assert HTTPResponse(200) != request
    assert HTTPResponse(200) != 200


def test_what_the_front_door_may_have_hidden_is_no_part_of_a_request() -> None:
    assert HTTPRequest("GET", "/", b"/", base_path_hidden=True) == HTTPRequest("GET", "/", b"/")


def test_messages_have_no_headers_in_common() -> None:
    HTTPResponse(200).headers.append((b"x-a", b"1"))
    HTTPRequest("GET", "/", b"/").headers.append((b"x-a", b"1"))

    assert HTTPResponse(200).headers == []
    assert HTTPRequest("GET", "/", b"/").headers == []


def test_messages_show_their_parts() -> None:
    assert repr(HTTPResponse(404, body=b"no")) == "HTTPResponse(status=404, headers=[], body=b'no')"
    assert "path='/a'" in repr(HTTPRequest("GET", "/a", b"/a"))


def test_messages_change_and_so_have_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(HTTPResponse(200))
