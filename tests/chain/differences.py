"""The answers that may differ between uvicorn and the chain, and the rule that forces each.

All of Lambda's: payload format 2.0 (HTTP API and Function URL documentation)
carries a request and a response as JSON maps, and the front door is a proxy.
"""

from __future__ import annotations

from typing import Any

from tests.chain.serving import Response

# Hop-by-hop headers end at a proxy (RFC 9110, section 7.6.1).
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}

# A Function URL adds these to the request, and a trace and the forwarding hop are its own.
ADDED_TO_REQUEST = {
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-amzn-trace-id",
}

# The server that answers writes these: each has its own clock, name and framing
# (a length where the chain knows the whole body, chunks where uvicorn does not).
OF_THE_SERVER = {"date", "server", "content-length", "x-amzn-requestid"}


def as_an_app_behind_lambda_sees_it(seen: dict[str, Any]) -> dict[str, Any]:
    """What the mirror saw, without what payload 2.0 cannot carry or adds."""
    headers: dict[str, str] = {}
    for name, value in seen["headers"]:
        if name in HOP_BY_HOP or name in ADDED_TO_REQUEST:
            continue
        # Repeated headers are one, joined with commas; cookies are a list, and
        # become one Cookie header again (RFC 6265, section 5.4).
        glue = "; " if name == "cookie" else ","
        headers[name] = f"{headers[name]}{glue}{value}" if name in headers else value
    return {
        **seen,
        "headers": headers,
        "client": [seen["client"][0], 0],  # an event has the client's address and no port
        "server": None,  # the two listen on ports of their own; compared by a test of its own
    }


def as_a_client_behind_lambda_sees_it(response: Response, *, buffered: bool) -> dict[str, Any]:
    """A response, without what differs by server, by hop, or by payload 2.0's map of headers."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in response.headers:
        if name == "set-cookie":
            cookies.append(value)  # a list of its own: `cookies`
        elif name not in HOP_BY_HOP and name not in OF_THE_SERVER:
            # One value for each name in the response's map (RFC 9110, section 5.3).
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if buffered:
        # "content-type: application/json" is a Function URL's default.
        headers.setdefault("content-type", "application/json")
    return {
        "status": response.status,
        "headers": headers,
        "cookies": cookies,
        "body": response.body,
    }
