"""Bodies in JSON: as text where they are text, else as base64.

`pybase64` makes 1 MB ten times faster than the standard library does; it is
used where it is installed, from the first body that is worth importing it for.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from functools import lru_cache

from warmstart.events.errors import MalformedEvent
from warmstart.events.fields import read_flag, read_text, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from warmstart.events.fields import Malformed
    from warmstart.events.http import Headers, HTTPResponse

    IsText = Callable[[HTTPResponse], bool]

__all__ = [
    "decode_base64",
    "decode_body",
    "encode_base64",
    "encode_body",
    "is_text",
    "request_is_text",
]

_WORTH_PYBASE64 = 64 * 1024

_TEXT_TYPES = frozenset(
    {
        b"application/ecmascript",
        b"application/graphql",
        b"application/javascript",
        b"application/json",
        b"application/jsonl",
        b"application/json-seq",
        b"application/ndjson",
        b"application/sql",
        b"application/toml",
        b"application/x-javascript",
        b"application/x-ndjson",
        b"application/x-sh",
        b"application/x-www-form-urlencoded",
        b"application/x-yaml",
        b"application/xml",
        b"application/xml-dtd",
        b"application/yaml",
    }
)
_TEXT_SUFFIXES = (b"+json", b"+xml", b"+yaml")
_FRONT_DOORS_TEXT_TYPES = frozenset(
    {b"application/javascript", b"application/json", b"application/xml"}
)


def is_text(response: HTTPResponse) -> bool:
    """Whether the body of `response` is text by its headers.

    A body with a content coding never is. Otherwise text is what is `text/*`,
    JSON or XML by name or suffix (`+json`, `+xml`), one of the well-known
    textual types, or any type that names its charset. A body without a type is
    tried as text: API Gateway's REST APIs decode base64 only for types that
    they were told to.
    """
    content_type = b""
    for name, value in response.headers:
        if name == b"content-type":
            content_type = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return False
    if not content_type:
        return True
    return _is_textual(content_type)


@lru_cache(maxsize=64)  # an app sends a few types
def _is_textual(content_type: bytes) -> bool:
    media_type, _, parameters = content_type.lower().partition(b";")
    media_type = media_type.strip()
    return (
        media_type.startswith(b"text/")
        or media_type in _TEXT_TYPES
        or media_type.endswith(_TEXT_SUFFIXES)
        or b"charset=" in parameters
    )


def request_is_text(headers: Headers) -> bool:
    """Whether AWS's front doors hand a request's body on as text.

    The rule is the one that Application Load Balancers document: no
    `Content-Encoding`, and a type of `text/*`, JSON, JavaScript or XML. Function
    URLs and HTTP APIs publish none and were seen to follow it: a form, and a
    body without a type, arrive as base64.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    """
    media_type = b""
    for name, value in headers:
        if name == b"content-type":
            media_type = value.partition(b";")[0].strip().lower()
        elif name == b"content-encoding":
            return False
    return media_type.startswith(b"text/") or media_type in _FRONT_DOORS_TEXT_TYPES


def encode_body(body: bytes, *, text: bool) -> tuple[str, bool]:
    """The JSON string of `body`, and whether it is base64.

    Text that is not UTF-8 goes as base64 whatever its headers say: JSON could
    not carry it.
    """
    if text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return encode_base64(body), True


def decode_body(
    parent: dict[str, Any],
    key: str = "body",
    flag: str = "isBase64Encoded",
    error: Malformed = MalformedEvent,
) -> bytes:
    """The bytes of the body `parent[key]`, which is base64 if `parent[flag]` says so."""
    if parent.get(key) is None:
        return b""
    encoded = read_flag(parent, flag, "", error)
    text = read_text(parent, key, "", error)
    return decode_base64(text, key, error) if encoded else utf8(text, key, error)


def encode_base64(data: bytes) -> str:
    """`data` as standard base64, with padding and without line breaks."""
    if len(data) >= _WORTH_PYBASE64:
        try:
            from pybase64 import b64encode_as_string
        except ImportError:
            pass
        else:
            return b64encode_as_string(data)
    return b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str, field: str, error: Malformed = MalformedEvent) -> bytes:
    """The bytes of `text`, which must be standard base64 with its padding and nothing else."""
    try:
        if len(text) >= _WORTH_PYBASE64:
            try:
                from pybase64 import b64decode
            except ImportError:
                pass
            else:
                return b64decode(text, validate=True)
        return a2b_base64(text, strict_mode=True)
    except ValueError as problem:  # binascii.Error is one
        raise error(field, f"is not base64: {problem}") from None
