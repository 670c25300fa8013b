"""HTTP as every format here means it: one request, one response, and no format's own words.

Each format's file turns its event into an `HTTPRequest` and back, and its
response into an `HTTPResponse` and back. Names and values are bytes, as ASGI
wants them (latin-1), names in lower case, order and repeats kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["HTTPRequest", "HTTPResponse", "Headers"]

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class HTTPRequest:
    """One HTTP request.

    `path` is percent-decoded once, as UTF-8; `raw_path` is the path as sent, or
    the nearest that the format allows; `query_string` is still encoded and has
    no `?`. Both paths begin with `root_path`, which is where the front door
    mounted the function (the API's stage), or empty. `base_path_hidden` says that
    it may have taken the base path of a custom domain off them.
    """

    method: str
    path: str
    raw_path: bytes
    query_string: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    scheme: str = "https"
    http_version: str = "1.1"
    client: tuple[str, int] | None = None
    server: tuple[str, int] | None = None
    root_path: str = ""
    base_path_hidden: bool = field(default=False, compare=False)


@dataclass(slots=True)
class HTTPResponse:
    """One whole HTTP response. `headers` may repeat a name; cookies are `set-cookie` headers."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
