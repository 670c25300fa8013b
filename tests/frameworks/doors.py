"""The front doors: what each makes of a request, and of the answer of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from warmstart.events import alb, edge, http_v2, lattice_v1, lattice_v2, rest
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse

__all__ = ["API", "DOORS", "HOST", "PLACES", "URL", "Door", "http_request"]

HOST = "shop.example.com"
URL = "abc.lambda-url.us-east-1.on.aws"
API = "abc.execute-api.us-east-1.amazonaws.com"
NOON = 1_795_521_600.0  # 24 November 2026, 12:00 UTC
TARGETS = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067"
LATTICE = "arn:aws:vpc-lattice:us-east-1:123456789012"

Build = Callable[[HTTPRequest], dict[str, Any]]
Decode = Callable[[Any], HTTPResponse]


@dataclass(frozen=True, slots=True)
class Door:
    """A source of HTTP events, and the address under which it serves the app.

    `prefix` is what the public path has before the app's own, and `base_path`
    what the handler is told of it. `repeats` tells whether all of a repeated
    query parameter arrive, `streams` whether the door can ask for a streamed
    response, `keeps_length` whether the function's `content-length` goes to the
    client.
    """

    name: str
    build: Build
    decode: Decode
    host: str = HOST
    prefix: str = ""
    scheme: str = "https"
    base_path: str = ""
    repeats: bool = True
    streams: bool = False
    keeps_length: bool = True

    @property
    def public(self) -> str:
        """The app's address, as its clients know it."""
        return f"{self.scheme}://{self.host}{self.prefix}"


def http_request(
    method: str,
    target: str,
    headers: Headers | None = None,
    body: bytes = b"",
    *,
    host: str = HOST,
    scheme: str = "https",
) -> HTTPRequest:
    """What a front door hears: the request for `target`, as a client at 203.0.113.9 sends it."""
    path, _, query = target.partition("?")
    sent = [(b"host", host.encode()), *(headers or [])]
    if body or method == "POST":
        sent.append((b"content-length", b"%d" % len(body)))
    return HTTPRequest(
        method=method,
        path=unquote(path),
        raw_path=path.encode("ascii"),
        query_string=query.encode("ascii"),
        headers=sent,
        body=body,
        scheme=scheme,
        client=("203.0.113.9", 50_000),
        server=(host, 443 if scheme == "https" else 80),
    )


def _rest(domain: str = HOST, root_path: str = "") -> Build:
    """A REST API's stage `prod`; `root_path` is what of it the request's path has."""

    def build(request: HTTPRequest) -> dict[str, Any]:
        request.root_path = root_path
        return rest.build_event(
            request,
            request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            time=NOON,
            domain_name=domain,
            stage="prod",
            binary_media_types=["*/*"],
        )

    return build


def _http_v1(domain: str = HOST, stage: str = "$default") -> Build:
    def build(request: HTTPRequest) -> dict[str, Any]:
        return rest.build_event(
            request,
            request_id="JKJaXmPLvHcESHA=",
            time=NOON,
            domain_name=domain,
            stage=stage,
            http_api=True,
        )

    return build


def _http_v2(domain: str = HOST, stage: str = "$default", mapping: str = "") -> Build:
    """An HTTP API, on a custom domain under the path `mapping`, which is not in its events."""

    def build(request: HTTPRequest) -> dict[str, Any]:
        request.path = request.path.removeprefix(mapping) or "/"
        return http_v2.build_event(
            request, request_id="JKJaXmPLvHcESHA=", time=NOON, domain_name=domain, stage=stage
        )

    return build


def _alb(*, multi_value: bool = False) -> Build:
    def build(request: HTTPRequest) -> dict[str, Any]:
        return alb.build_event(request, target_group_arn=TARGETS, multi_value=multi_value)

    return build


def _edge(event_type: Literal["viewer-request", "origin-request"]) -> Build:
    def build(request: HTTPRequest) -> dict[str, Any]:
        return edge.build_event(
            request,
            request_id="4TyzHTaYWb1G",
            distribution_domain_name="d111111abcdef8.cloudfront.net",
            event_type=event_type,
        )

    return build


def _lattice_v2(request: HTTPRequest) -> dict[str, Any]:
    return lattice_v2.build_event(
        request,
        time=NOON,
        service_network_arn=f"{LATTICE}:servicenetwork/sn-0bf3f2882e9cc805a",
        service_arn=f"{LATTICE}:service/svc-0a40eebed65f8d69c",
        target_group_arn=f"{LATTICE}:targetgroup/tg-6d0ecf831eec9f09",
        region="us-east-1",
    )


def _answer_v1(result: Any) -> HTTPResponse:
    return rest.decode_response(result, http_api=True)


def _answer_multi(result: Any) -> HTTPResponse:
    return alb.decode_response(result, multi_value=True)


DOORS = [
    Door("rest", _rest(), rest.decode_response, streams=True),
    Door(
        "rest-stage",
        _rest(API, "/prod"),
        rest.decode_response,
        host=API,
        prefix="/prod",
        streams=True,
    ),
    Door("http-v1", _http_v1(), _answer_v1),
    Door("http-v2", _http_v2(), http_v2.decode_response),
    Door("http-v2-stage", _http_v2(API, "prod"), http_v2.decode_response, host=API, prefix="/prod"),
    Door("function-url", _http_v2(URL), http_v2.decode_response, host=URL, streams=True),
    Door("alb", _alb(), alb.decode_response, repeats=False),
    Door("alb-multi", _alb(multi_value=True), _answer_multi),
    Door("edge-viewer", _edge("viewer-request"), edge.decode_response, keeps_length=False),
    Door("edge-origin", _edge("origin-request"), edge.decode_response, keeps_length=False),
    Door("lattice-v1", lattice_v1.build_event, lattice_v1.decode_response, repeats=False),
    Door("lattice-v2", _lattice_v2, lattice_v2.decode_response),
]
"""Every HTTP source, API Gateway's with the stage in the path and without."""


def _place(name: str, public: str, build: Build, decode: Decode, base_path: str = "") -> Door:
    scheme, _, rest_of_it = public.partition("://")
    host, slash, path = rest_of_it.partition("/")
    return Door(
        name, build, decode, host=host, prefix=slash + path, scheme=scheme, base_path=base_path
    )


_SHOP = f"https://{HOST}"
_V2 = http_v2.decode_response

PLACES = [
    # Neither stage nor base path in the public path.
    _place("url", f"https://{URL}", _http_v2(URL), _V2),
    _place("alb", _SHOP, _alb(), alb.decode_response),
    _place("alb-http", f"http://{HOST}", _alb(), alb.decode_response),
    _place("rest-domain", _SHOP, _rest(), rest.decode_response),
    _place("v2-domain", _SHOP, _http_v2(), _V2),
    _place("v2-domain-of-stage", _SHOP, _http_v2(HOST, "prod"), _V2),
    # A stage.
    _place("rest-stage", f"https://{API}/prod", _rest(API, "/prod"), rest.decode_response),
    _place("v1-stage", f"https://{API}/prod", _http_v1(API, "prod"), _answer_v1),
    _place("v2-stage", f"https://{API}/prod", _http_v2(API, "prod"), _V2),
    # A base path: a custom domain's mapping, a listener's rule, a distribution's behaviour.
    _place("rest-mapping", f"{_SHOP}/v1", _rest(), rest.decode_response, "/v1"),
    _place("v1-mapping", f"{_SHOP}/v1", _http_v1(), _answer_v1, "v1"),
    _place("v2-mapping", f"{_SHOP}/v1", _http_v2(HOST, mapping="/v1"), _V2, "/v1/"),
    _place("v2-mapping-of-stage", f"{_SHOP}/v1", _http_v2(HOST, "prod", "/v1"), _V2, "/v1"),
    _place("rest-long-mapping", f"{_SHOP}/orders/v1", _rest(), rest.decode_response, "/orders/v1"),
    _place("v2-long-mapping", f"{_SHOP}/a/v1", _http_v2(HOST, mapping="/a/v1"), _V2, "/a/v1"),
    _place("url-behaviour", f"https://{URL}/v1", _http_v2(URL), _V2, "/v1"),
    _place("alb-rule", f"{_SHOP}/v1", _alb(), alb.decode_response, "/v1"),
    _place("alb-multi-rule", f"{_SHOP}/v1", _alb(multi_value=True), _answer_multi, "/v1"),
    _place("edge-behaviour", f"{_SHOP}/v1", _edge("origin-request"), edge.decode_response, "/v1"),
    _place("lattice-v1", f"{_SHOP}/v1", lattice_v1.build_event, lattice_v1.decode_response, "/v1"),
    _place("lattice-v2", f"{_SHOP}/v1", _lattice_v2, lattice_v2.decode_response, "/v1"),
    # Both: a resource or a route of the API's, or a mapping that names no stage.
    _place(
        "rest-resource", f"https://{API}/prod/v1", _rest(API, "/prod"), rest.decode_response, "/v1"
    ),
    _place("v2-route", f"https://{API}/prod/v1", _http_v2(API, "prod"), _V2, "/v1"),
    _place("rest-any-stage", f"{_SHOP}/v1/prod", _rest(), rest.decode_response, "/v1/prod"),
    # The stage alone, although the handler knows of a base path.
    _place(
        "rest-both-ways", f"https://{API}/prod", _rest(API, "/prod"), rest.decode_response, "v1"
    ),
    _place("v2-both-ways", f"https://{API}/prod", _http_v2(API, "prod"), _V2, "/v1"),
]
"""The addresses under which an app may be reached."""
