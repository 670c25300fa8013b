"""The ASGI scope of a request that came as an event."""

from __future__ import annotations

from typing import Any

from warmstart.adapter.asgi import Scope
from warmstart.events.http import HTTPRequest

__all__ = ["http_scope"]


def http_scope(request: HTTPRequest, event: Any, context: Any, state: dict[str, Any]) -> Scope:
    """The HTTP scope (ASGI 3.0, HTTP 2.5) of `request`.

    The event and the context ride along as `aws.event` and `aws.context`, the
    names that Mangum made known. `state` is copied, as ASGI wants it. Only
    extensions that work behind every front door are advertised: early hints,
    trailers and server push cannot pass through Lambda.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": request.http_version,
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": request.root_path,
        "headers": request.headers,
        "client": request.client,
        "server": request.server,
        "state": state.copy(),
        "extensions": {"http.response.pathsend": {}},
        "aws.event": event,
        "aws.context": context,
    }
