"""Where a request came from and where it went."""

from __future__ import annotations

import pytest

from warmstart.events.http import Headers, HTTPRequest
from warmstart.events.origin import forwarded_client, forwarded_headers, origin, origin_of


@pytest.mark.parametrize(
    ("proto", "port", "host", "expected"),
    [
        ("https", "443", "a.example", ("https", ("a.example", 443))),
        ("http", "80", "a.example", ("http", ("a.example", 80))),
        ("http", "3000", "127.0.0.1:3000", ("http", ("127.0.0.1", 3000))),
        # what is absent
        ("", "", "a.example", ("https", ("a.example", 443))),
        ("http", "", "a.example", ("http", ("a.example", 80))),
        ("http", "", "a.example:8080", ("http", ("a.example", 8080))),
        ("https", "443", "", ("https", None)),
        # several hops: the last one is the front door's
        ("http, https", "80, 443", "a.example", ("https", ("a.example", 443))),
        ("HTTPS,HTTP", "443,80", "a.example", ("http", ("a.example", 80))),
        # what is no scheme and no port
        ("gopher", "0", "a.example", ("https", ("a.example", 443))),
        ("https", "65536", "a.example", ("https", ("a.example", 443))),
        ("https", "99999999999999999999", "a.example", ("https", ("a.example", 443))),
        ("https", "-1", "a.example", ("https", ("a.example", 443))),
        ("https", "٣", "a.example", ("https", ("a.example", 443))),
        ("https", "443,", "a.example:x", ("https", ("a.example", 443))),
        # IPv6
        ("http", "", "[::1]:3000", ("http", ("::1", 3000))),
        ("http", "", "[::1]", ("http", ("::1", 80))),
        ("http", "", "::1", ("http", ("::1", 80))),
        ("http", "", "[::1", ("http", None)),
    ],
)
def test_the_scheme_and_the_server(proto: str, port: str, host: str, expected: object) -> None:
    assert origin(proto, port, host) == expected


def test_headers_tell_the_origin() -> None:
    headers: Headers = [
        (b"host", b"a.example"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-port", b"8080"),
    ]

    assert origin_of(headers, "b.example") == ("http", ("a.example", 8080))
    assert origin_of([], "b.example") == ("https", ("b.example", 443))
    assert origin_of([]) == ("https", None)


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        (b"203.0.113.75", ("203.0.113.75", 0)),
        (b"spoofed, 10.0.0.1 , 203.0.113.75 ", ("203.0.113.75", 0)),
        (b"203.0.113.75:50123", ("203.0.113.75", 50123)),
        (b"203.0.113.75:x", ("203.0.113.75", 0)),
        (b"10.0.0.1, 2001:db8::1", ("2001:db8::1", 0)),
        (b"[2001:db8::1]", ("2001:db8::1", 0)),
        (b"[2001:db8::1]:50123", ("2001:db8::1", 50123)),
        (b"[2001:db8::1", None),
        (b"10.0.0.1,", None),
        (b"", None),
    ],
)
def test_the_client_is_the_last_that_was_forwarded_for(
    forwarded_for: bytes, client: object
) -> None:
    assert forwarded_client([(b"x-forwarded-for", forwarded_for)]) == client


def test_without_the_header_there_is_no_client() -> None:
    assert forwarded_client([]) is None


def test_a_front_door_adds_who_sent_a_request_and_how() -> None:
    request = HTTPRequest(
        "GET",
        "/",
        b"/",
        headers=[(b"x-forwarded-for", b"10.0.0.1"), (b"x-forwarded-for", b"10.0.0.2")],
        scheme="http",
        client=("203.0.113.75", 50123),
        server=("a.example", 3000),
    )

    assert forwarded_headers(request) == {
        "x-forwarded-proto": "http",
        "x-forwarded-port": "3000",
        "x-forwarded-for": "10.0.0.1, 10.0.0.2, 203.0.113.75",
    }


@pytest.mark.parametrize(("scheme", "port"), [("https", "443"), ("http", "80")])
def test_without_a_server_the_port_is_the_schemes(scheme: str, port: str) -> None:
    assert forwarded_headers(HTTPRequest("GET", "/", b"/", scheme=scheme)) == {
        "x-forwarded-proto": scheme,
        "x-forwarded-port": port,
    }
