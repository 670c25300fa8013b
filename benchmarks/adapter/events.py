"""The events: one request as each front door sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from warmstart.events import alb, http_v2, rest
from warmstart.events.http import HTTPRequest

__all__ = ["DOORS", "request"]

_HEADERS = [
    (b"accept", b"text/html,application/json;q=0.9,*/*;q=0.8"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.7"),
    (b"cookie", b"session=8a7f2c11; theme=dark"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"),
]
_API = "abc123.execute-api.eu-west-1.amazonaws.com"
_TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1234567890"
_TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700"


def request(path: str, *, body: bytes = b"", content_type: bytes = b"") -> HTTPRequest:
    """GET `path`, or POST `body` to it."""
    headers = [(b"host", _API.encode()), *_HEADERS]
    if body:
        headers += [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    return HTTPRequest(
        "POST" if body else "GET",
        path,
        path.encode(),
        b"name=you",
        headers,
        body,
        client=("192.0.2.1", 0),
        server=(_API, 443),
    )


def _http_v2(of: HTTPRequest) -> dict[str, Any]:
    return http_v2.build_event(of, request_id="id", time=0, domain_name=_API, trace_id=_TRACE)


def _rest(of: HTTPRequest) -> dict[str, Any]:
    return rest.build_event(
        of,
        request_id="id",
        time=0,
        domain_name=_API,
        stage="prod",
        trace_id=_TRACE,
        binary_media_types=["*/*"],
    )


def _alb(of: HTTPRequest) -> dict[str, Any]:
    return alb.build_event(of, target_group_arn=_TARGET_GROUP, trace_id=_TRACE)


DOORS: dict[str, Callable[[HTTPRequest], dict[str, Any]]] = {
    "HTTP API v2": _http_v2,
    "REST API": _rest,
    "ALB": _alb,
}
