"""CORS as a Function URL does it: by its configuration, beside what the function says. Pure.

A preflight is answered without the function. To the answers of all other requests the
configured headers are added, and what the function says of CORS is left as it is, so that
a function which does the same leaves browsers with two values, as on AWS.

https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warmstart.events.http import Headers

__all__ = ["is_preflight", "preflight_headers", "response_headers"]

Cors = Mapping[str, Any]
"""The members of AWS's `Cors`."""

Sent = Mapping[bytes, bytes]
"""A request's headers."""


def is_preflight(method: str, sent: Sent) -> bool:
    """Whether a browser asks what a page may send."""
    return method == "OPTIONS" and b"origin" in sent and b"access-control-request-method" in sent


def preflight_headers(cors: Cors, sent: Sent) -> Headers:
    """What a preflight is answered with: nothing about CORS, if the page may send nothing."""
    headers = _origin_headers(cors, sent)
    if len(headers) < 2:
        return headers
    method = sent[b"access-control-request-method"]
    wanted = sent.get(b"access-control-request-headers", b"")
    for name, allowed, asked in (
        (b"access-control-allow-methods", cors.get("AllowMethods", []), method),
        (b"access-control-allow-headers", cors.get("AllowHeaders", []), wanted),
    ):
        # A browser takes the wildcard at its word if credentials are sent, so it is told in full.
        if value := asked if "*" in allowed else ",".join(allowed).encode("latin-1"):
            headers.append((name, value))
    if "MaxAge" in cors:
        headers.append((b"access-control-max-age", b"%d" % cors["MaxAge"]))
    return headers


def response_headers(cors: Cors, sent: Sent) -> Headers:
    """What is added to the answer of any other request."""
    if b"origin" not in sent:
        return []
    headers = _origin_headers(cors, sent)
    if len(headers) > 1 and (exposed := cors.get("ExposeHeaders")):
        value = ",".join(exposed).encode("latin-1")
        headers.append((b"access-control-expose-headers", value))
    return headers


def _origin_headers(cors: Cors, sent: Sent) -> Headers:
    origin = sent[b"origin"]
    headers = [(b"vary", b"Origin")]
    allowed = cors.get("AllowOrigins", [])
    if "*" in allowed or origin.decode("latin-1") in allowed:
        headers.append((b"access-control-allow-origin", origin))
        if cors.get("AllowCredentials"):
            headers.append((b"access-control-allow-credentials", b"true"))
    return headers
