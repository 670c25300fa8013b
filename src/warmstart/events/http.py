"""HTTP as every format here means it: one request, one response, and no format's own words.

Each format's file turns its event into an `HTTPRequest` and back, and its
response into an `HTTPResponse` and back. Names and values are bytes, as ASGI
wants them (latin-1), names in lower case, order and repeats kept.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Address: TypeAlias = tuple[str, int]

__all__ = ["HTTPRequest", "HTTPResponse", "Headers"]

Headers = list[tuple[bytes, bytes]]


class _Message:
    """Equal to another of the same type and parts.

    These two are no dataclasses because every function imports them: `dataclasses`
    and what it writes when it is used would take 10 ms of each cold start.
    """

    __slots__: tuple[str, ...] = ()

    _compared: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._compared)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({parts})"


class HTTPRequest(_Message):
    """One HTTP request.

    `path` is percent-decoded once, as UTF-8; `raw_path` is the path as sent, or
    the nearest that the format allows; `query_string` is still encoded and has
    no `?`. Both paths begin with `root_path`, which is where the front door
    mounted the function (the API's stage), or empty. `base_path_hidden` says that
    it may have taken the base path of a custom domain off them; requests that
    differ in nothing else are equal.
    """

    _compared = (
        "method",
        "path",
        "raw_path",
        "query_string",
        "headers",
        "body",
        "scheme",
        "http_version",
        "client",
        "server",
        "root_path",
    )
    __slots__ = (*_compared, "base_path_hidden")

    def __init__(  # noqa: PLR0913, PLR0917 - what a request is made of
        self,
        method: str,
        path: str,
        raw_path: bytes,
        query_string: bytes = b"",
        headers: Headers | None = None,
        body: bytes = b"",
        scheme: str = "https",
        http_version: str = "1.1",
        client: Address | None = None,
        server: Address | None = None,
        root_path: str = "",
        base_path_hidden: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.query_string = query_string
        self.headers = [] if headers is None else headers
        self.body = body
        self.scheme = scheme
        self.http_version = http_version
        self.client = client
        self.server = server
        self.root_path = root_path
        self.base_path_hidden = base_path_hidden


class HTTPResponse(_Message):
    """One whole HTTP response. `headers` may repeat a name; cookies are `set-cookie` headers."""

    _compared = __slots__ = ("status", "headers", "body")

    def __init__(self, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
        self.status = status
        self.headers = [] if headers is None else headers
        self.body = body
