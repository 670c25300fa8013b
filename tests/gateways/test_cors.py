"""Expected: https://fetch.spec.whatwg.org/#http-cors-protocol and AWS's page of Function URLs."""

from __future__ import annotations

from typing import Any

import pytest

from warmstart.gateways.cors import is_preflight, preflight_headers, response_headers

PAGE = {b"origin": b"https://a.com"}
ASKING = {
    **PAGE,
    b"access-control-request-method": b"PUT",
    b"access-control-request-headers": b"x-a,x-b",
}
VARY = (b"vary", b"Origin")
ALLOWED = (b"access-control-allow-origin", b"https://a.com")


@pytest.mark.parametrize(
    ("method", "sent", "expected"),
    [
        ("OPTIONS", ASKING, True),
        ("OPTIONS", PAGE, False),
        ("OPTIONS", {b"access-control-request-method": b"PUT"}, False),
        ("PUT", ASKING, False),
    ],
)
def test_a_preflight_has_an_origin_and_asks_for_a_method(
    method: str, sent: Any, expected: bool
) -> None:
    assert is_preflight(method, sent) is expected


@pytest.mark.parametrize(
    ("cors", "expected"),
    [
        ({}, [VARY]),
        ({"AllowOrigins": ["https://b.com"]}, [VARY]),
        ({"AllowOrigins": ["https://b.com", "https://a.com"]}, [VARY, ALLOWED]),
        ({"AllowOrigins": ["*"]}, [VARY, ALLOWED]),
        (
            {"AllowOrigins": ["*"], "AllowCredentials": True, "ExposeHeaders": ["date", "x-c"]},
            [
                VARY,
                ALLOWED,
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", b"date,x-c"),
            ],
        ),
        ({"AllowOrigins": ["https://b.com"], "ExposeHeaders": ["date"]}, [VARY]),
    ],
)
def test_answers_tell_whether_the_page_may_read_them(cors: Any, expected: Any) -> None:
    assert response_headers(cors, PAGE) == expected
    assert response_headers(cors, {}) == []


@pytest.mark.parametrize(
    ("cors", "expected"),
    [
        ({"AllowMethods": ["PUT"]}, [VARY]),
        (
            {
                "AllowOrigins": ["https://a.com"],
                "AllowMethods": ["GET", "PUT"],
                "AllowHeaders": ["x-a", "x-d"],
                "MaxAge": 60,
            },
            [
                VARY,
                ALLOWED,
                (b"access-control-allow-methods", b"GET,PUT"),
                (b"access-control-allow-headers", b"x-a,x-d"),
                (b"access-control-max-age", b"60"),
            ],
        ),
        (
            {
                "AllowOrigins": ["*"],
                "AllowMethods": ["*"],
                "AllowHeaders": ["*"],
                "AllowCredentials": True,
            },
            [
                VARY,
                ALLOWED,
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-allow-methods", b"PUT"),
                (b"access-control-allow-headers", b"x-a,x-b"),
            ],
        ),
    ],
)
def test_a_preflight_is_told_what_the_page_may_send(cors: Any, expected: Any) -> None:
    assert preflight_headers(cors, ASKING) == expected
