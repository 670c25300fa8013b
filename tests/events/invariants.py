"""What must hold of all that a decoder lets through."""

from __future__ import annotations

from typing import Any

from warmstart.events import alb, edge, http_v2, lattice_v1, lattice_v2, rest, websocket
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.paths import mount

# The file that speaks the format of each golden event.
FORMATS: dict[str, Any] = {
    "function_url": http_v2,
    "http_api": http_v2,
    "rest_api": rest,
    "http_api_v1": rest,
    "alb": alb,
    "alb_multi_value": alb,
    "edge": edge,
    "lattice_v1": lattice_v1,
    "lattice_v2": lattice_v2,
    "websocket_connect": websocket,
    "websocket_message": websocket,
    "websocket_disconnect": websocket,
}


def check_request(request: HTTPRequest) -> None:
    """Assert what ASGI and the adapter rely on."""
    assert type(request.method) is type(request.path) is type(request.scheme) is str
    assert type(request.raw_path) is type(request.query_string) is type(request.body) is bytes
    assert request.path.startswith(request.root_path)
    assert request.http_version in ("1.0", "1.1", "2")
    assert request.scheme in ("http", "https")
    for name, value in request.headers:
        assert type(name) is type(value) is bytes
        assert name == name.lower()
    for address in (request.client, request.server):
        assert address is None or (address[0] and 0 <= address[1] <= 65535)
    before = request.root_path
    mount(request, "/things")
    assert request.path.startswith(request.root_path)
    assert request.root_path.startswith(before)


def check_response(response: HTTPResponse) -> None:
    """Assert that a front door can write `response` out as it is."""
    assert 100 <= response.status <= 999
    assert type(response.body) is bytes
    for name, value in response.headers:
        assert name
        assert not set(name) - set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
        assert not set(value) & set(b"\r\n\0")
