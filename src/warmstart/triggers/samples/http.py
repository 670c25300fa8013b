"""Sample events of the front doors: a GET of /hello?name=you."""

from __future__ import annotations

from typing import Any

from warmstart.events import alb, edge, http_v2, lattice_v1, lattice_v2, rest, websocket
from warmstart.events.http import HTTPRequest
from warmstart.triggers.samples.occasion import Occasion, Sample

__all__ = ["HTTP"]

_API = "abcdef1234.execute-api"
_TRACE = "Root=1-5e1b4151-5ac6c58f5b5dbd6b6b6b6b6b"


def _request(host: str) -> HTTPRequest:
    return HTTPRequest(
        method="GET",
        path="/hello",
        raw_path=b"/hello",
        query_string=b"name=you",
        headers=[
            (b"host", host.encode()),
            (b"accept", b"*/*"),
            (b"user-agent", b"curl/8.15.0"),
        ],
        client=("203.0.113.9", 50_000),
        server=(host, 443),
    )


def _function_url(occasion: Occasion) -> dict[str, Any]:
    domain = f"abcdefghijklmnopqrstuvwxyz123456.lambda-url.{occasion.account.region}.on.aws"
    return http_v2.build_event(
        _request(domain),
        request_id=occasion.id,
        time=occasion.seconds,
        domain_name=domain,
        trace_id=_TRACE,
    )


def _http_v2(occasion: Occasion) -> dict[str, Any]:
    domain = f"{_API}.{occasion.account.region}.amazonaws.com"
    return http_v2.build_event(
        _request(domain),
        request_id="JKJaXmPLvHcESHA=",
        time=occasion.seconds,
        domain_name=domain,
        trace_id=_TRACE,
    )


def _http_v1(occasion: Occasion) -> dict[str, Any]:
    domain = f"{_API}.{occasion.account.region}.amazonaws.com"
    return rest.build_event(
        _request(domain),
        request_id="JKJaXmPLvHcESHA=",
        time=occasion.seconds,
        domain_name=domain,
        stage="$default",
        trace_id=_TRACE,
        http_api=True,
    )


def _rest(occasion: Occasion) -> dict[str, Any]:
    event = rest.build_event(
        _request("api.example.com"),
        request_id=occasion.id,
        time=occasion.seconds,
        domain_name="api.example.com",
        stage="prod",
        trace_id=_TRACE,
    )
    event["pathParameters"] = {"proxy": "hello"}
    event["requestContext"] |= {"resourceId": "123456", "accountId": occasion.account.id}
    return event


def _alb(occasion: Occasion) -> dict[str, Any]:
    group = occasion.arn("elasticloadbalancing", "targetgroup/my-group/73e2d6bc24d8a067")
    return alb.build_event(_request("app.example.com"), target_group_arn=group, trace_id=_TRACE)


def _edge(occasion: Occasion) -> dict[str, Any]:
    return edge.build_event(
        _request("d111111abcdef8.cloudfront.net"),
        request_id=occasion.id,
        distribution_domain_name="d111111abcdef8.cloudfront.net",
    )


def _lattice_v1(occasion: Occasion) -> dict[str, Any]:
    return lattice_v1.build_event(_request(_lattice_host(occasion)))


def _lattice_v2(occasion: Occasion) -> dict[str, Any]:
    return lattice_v2.build_event(
        _request(_lattice_host(occasion)),
        time=occasion.time.timestamp(),
        service_network_arn=occasion.arn("vpc-lattice", "servicenetwork/sn-0bf3f2882e9cc805a"),
        service_arn=occasion.arn("vpc-lattice", "service/svc-0a40eebed65f8d69c"),
        target_group_arn=occasion.arn("vpc-lattice", "targetgroup/tg-6d0ecf831eec9f09"),
        region=occasion.account.region,
        identity={"sourceVpcArn": occasion.arn("ec2", "vpc/vpc-0b8276c84697e7339")},
    )


def _lattice_host(occasion: Occasion) -> str:
    return f"my-service-0a40eebed65f8d69c.7d67968.vpc-lattice-svcs.{occasion.account.region}.on.aws"


def _websocket(occasion: Occasion) -> dict[str, Any]:
    connection = websocket.Connection(
        id="fjSlEdQJIAMCKyg=",
        domain_name=f"{_API}.{occasion.account.region}.amazonaws.com",
        stage="production",
        api_id="abcdef1234",
        connected_at=occasion.milliseconds,
        source_ip="203.0.113.9",
        user_agent="curl/8.15.0",
    )
    message = websocket.Message(connection, '{"hello": "you"}', message_id="fjSlFdZZIAMCKyg=")
    return websocket.build_event(message, request_id="fjSlFEYNoAMFeXQ=", time=occasion.seconds)


HTTP: dict[str, Sample] = {
    "function-url": _function_url,
    "http-v2": _http_v2,
    "http-v1": _http_v1,
    "rest": _rest,
    "alb": _alb,
    "edge": _edge,
    "lattice-v1": _lattice_v1,
    "lattice-v2": _lattice_v2,
    "websocket": _websocket,
}
