"""The parts of a request, read from an event.

Each value is checked where it is read: where Mangum ends in a `TypeError` or a
`KeyError`, the error here names the field, and the client gets a 400.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from warmstart.events.errors import MalformedEvent
from warmstart.events.fields import HALF_CHARACTER, expected, utf8

__all__ = ["encode_query", "header_pairs", "read_body", "require", "server_of", "strip_base_path"]

_DEFAULT_HOST = "mangum"
_DEFAULT_PORT = 80  # for https too


def require(value: Any, field: str) -> str:
    """`value`, which must be a string."""
    if not isinstance(value, str):
        raise MalformedEvent(field, expected("a string", value))
    return value


def read_body(body: Any, field: str, *, is_base64: bool) -> bytes:
    """The bytes of a body. In base64, characters that are none are passed over."""
    if not body:
        return b""
    if not isinstance(body, bytes):
        body = utf8(require(body, field), field)
    data: bytes = body
    if not is_base64:
        return data
    try:
        return base64.b64decode(data)
    except ValueError as problem:
        raise MalformedEvent(field, f"is not base64: {problem}") from None


def header_pairs(headers: Mapping[str, Any], field: str = "headers") -> list[list[bytes]]:
    """The headers as ASGI has them; what is not ASCII in them is UTF-8."""
    return [
        [utf8(name, field), utf8(require(value, f"{field}.{name}"), f"{field}.{name}")]
        for name, value in headers.items()
    ]


def server_of(headers: Mapping[str, str]) -> tuple[str, int]:
    """The server by `Host`, with its port or that of `X-Forwarded-Port`."""
    host = headers.get("host", _DEFAULT_HOST)
    if host.startswith("["):  # IPv6
        name, _, port = host[1:].partition("]")
        port = port.removeprefix(":")
    elif host.count(":") > 1:
        name, port = host, ""
    else:
        name, _, port = host.partition(":")
    if ":" not in host:
        port = headers.get("x-forwarded-port", "").rpartition(",")[2]  # each hop adds its own
    try:
        return name, int(port)
    except ValueError:
        return name, _DEFAULT_PORT


def encode_query(params: Mapping[str, Any], field: str) -> bytes:
    """The query string of decoded names and values, or lists of values."""
    try:
        return urlencode(params, doseq=True).encode()
    except UnicodeEncodeError:
        raise MalformedEvent(field, HALF_CHARACTER) from None


def strip_base_path(path: str, base_path: str) -> str:
    """The decoded path below `base_path`, where it begins with all of its segments."""
    base = "/" + base_path.strip("/")
    if base != "/" and (path == base or path.startswith(f"{base}/")):
        path = path.removeprefix(base)
    return unquote(path) or "/"
