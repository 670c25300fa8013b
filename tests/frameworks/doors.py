"""The front doors: what each makes of a request, and of the answer of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from warmstart.events import alb, edge, http_v2, lattice_v1, lattice_v2, rest
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse

__all__ = ["DOORS", "Door", "http_request"]

HOST = "shop.example.com"
URL_DOMAIN = "abc.lambda-url.us-east-1.on.aws"
API_DOMAIN = "abc.execute-api.us-east-1.amazonaws.com"
ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067"
LATTICE = "arn:aws:vpc-lattice:us-east-1:123456789012"
NOON = 1_795_521_600.0  # 24 November 2026, 12:00 UTC


@dataclass(frozen=True, slots=True)
class Door:
    """A source of HTTP events.

    `prefix` is what the public path has before the app's own. `repeats` tells
    whether all of a repeated query parameter arrive, `streams` whether the door
    can ask for a streamed response, `keeps_length` whether the function's
    `content-length` goes to the client.
    """

    name: str
    build: Callable[[HTTPRequest], dict[str, Any]]
    decode: Callable[[Any], HTTPResponse]
    prefix: str = ""
    repeats: bool = True
    streams: bool = False
    keeps_length: bool = True


def http_request(
    method: str, target: str, headers: Headers, body: bytes, *, host: str = HOST
) -> HTTPRequest:
    """What a front door hears: the request for `target`, as a client at 203.0.113.9 sends it."""
    path, _, query = target.partition("?")
    sent = [(b"host", host.encode()), *headers]
    if body or method == "POST":
        sent.append((b"content-length", b"%d" % len(body)))
    return HTTPRequest(
        method=method,
        path=unquote(path),
        raw_path=path.encode("ascii"),
        query_string=query.encode("ascii"),
        headers=sent,
        body=body,
        client=("203.0.113.9", 50_000),
        server=(host, 443),
    )


def _rest(request: HTTPRequest, *, stage_in_path: bool = False) -> dict[str, Any]:
    request.root_path = "/prod" if stage_in_path else ""
    return rest.build_event(
        request,
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        time=NOON,
        domain_name=API_DOMAIN if stage_in_path else HOST,
        stage="prod",
        binary_media_types=["*/*"],
    )


def _http_v1(request: HTTPRequest) -> dict[str, Any]:
    return rest.build_event(
        request,
        request_id="JKJaXmPLvHcESHA=",
        time=NOON,
        domain_name=HOST,
        stage="$default",
        http_api=True,
    )


def _http_v2(request: HTTPRequest, domain: str = HOST, stage: str = "$default") -> dict[str, Any]:
    return http_v2.build_event(
        request, request_id="JKJaXmPLvHcESHA=", time=NOON, domain_name=domain, stage=stage
    )


def _lattice_v2(request: HTTPRequest) -> dict[str, Any]:
    return lattice_v2.build_event(
        request,
        time=NOON,
        service_network_arn=f"{LATTICE}:servicenetwork/sn-0bf3f2882e9cc805a",
        service_arn=f"{LATTICE}:service/svc-0a40eebed65f8d69c",
        target_group_arn=f"{LATTICE}:targetgroup/tg-6d0ecf831eec9f09",
        region="us-east-1",
    )


def _edge(request: HTTPRequest) -> dict[str, Any]:
    return edge.build_event(
        request, request_id="4TyzHTaYWb1G", distribution_domain_name="d111111abcdef8.cloudfront.net"
    )


DOORS = [
    Door("rest", _rest, rest.decode_response, streams=True),
    Door(
        "rest-stage",
        lambda request: _rest(request, stage_in_path=True),
        rest.decode_response,
        prefix="/prod",
        streams=True,
    ),
    Door("http-v1", _http_v1, lambda result: rest.decode_response(result, http_api=True)),
    Door("http-v2", _http_v2, http_v2.decode_response),
    Door(
        "http-v2-stage",
        lambda request: _http_v2(request, API_DOMAIN, "prod"),
        http_v2.decode_response,
        prefix="/prod",
    ),
    Door(
        "function-url",
        lambda request: _http_v2(request, URL_DOMAIN),
        http_v2.decode_response,
        streams=True,
    ),
    Door(
        "alb",
        lambda request: alb.build_event(request, target_group_arn=ARN),
        alb.decode_response,
        repeats=False,
    ),
    Door(
        "alb-multi",
        lambda request: alb.build_event(request, target_group_arn=ARN, multi_value=True),
        lambda result: alb.decode_response(result, multi_value=True),
    ),
    Door("edge", _edge, edge.decode_response, keeps_length=False),
    Door("lattice-v1", lattice_v1.build_event, lattice_v1.decode_response, repeats=False),
    Door("lattice-v2", _lattice_v2, lattice_v2.decode_response),
]
"""Every HTTP source, API Gateway's with the stage in the path and without."""
