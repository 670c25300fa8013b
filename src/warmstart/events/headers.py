"""Headers between the maps of JSON strings that events have and the pairs of bytes that ASGI has.

A header's text is its bytes read as latin-1, both ways. Text outside latin-1,
which some front doors make of UTF-8 bytes, goes back to UTF-8.
"""

from __future__ import annotations

from itertools import product

from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.fields import expected, read_list, read_object, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from warmstart.events.fields import Malformed
    from warmstart.events.http import Headers

__all__ = [
    "HOP_BY_HOP",
    "JSON",
    "TEXT",
    "decode_list_map",
    "decode_map",
    "end_to_end",
    "header_bytes",
    "joined",
    "listed",
    "request_pairs",
    "response_cookies",
    "response_lists",
    "response_map",
    "response_pair",
    "single_map",
    "typed",
]

_WHITESPACE = " \t"
"""What may stand around a header's value (RFC 9110, section 5.6.3)."""

# RFC 9110, section 7.6.1: these end at each hop, with what `Connection` itself names.
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    }
)

# What API Gateway and Function URLs say of a response that does not say it.
JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")

# What RFC 9110, section 5.6.2, lets stand in a name.
_NAME_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Names(dict[str, bytes]):
    """Header names as lower-case bytes. A function sees the same few in every event."""

    def __missing__(self, name: str) -> bytes:
        encoded = name.encode("latin-1").lower()
        if len(self) < _REMEMBERED and len(name) <= _LONGEST_REMEMBERED:
            self[name] = encoded
        return encoded


_REMEMBERED = 512
_LONGEST_REMEMBERED = 64
_names = _Names()


def decode_map(headers: object, field: str) -> Headers:
    """The pairs of a map of names to strings."""
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise MalformedEvent(field, expected("an object", headers))
    names = _names
    try:
        return [(names[name], value.encode("latin-1")) for name, value in headers.items()]
    except (AttributeError, UnicodeEncodeError):  # a value is no string, or not latin-1
        return [
            (header_bytes(name, field).lower(), header_bytes(value, f"{field}.{name}"))
            for name, value in headers.items()
        ]


def decode_list_map(headers: object, field: str) -> Headers:
    """The pairs of a map of names to arrays of strings; a lone string is an array of one."""
    if headers is None:
        return []
    if not isinstance(headers, dict):
        raise MalformedEvent(field, expected("an object", headers))
    names = _names
    pairs: Headers = []
    for name, values in headers.items():
        if type(values) is list and len(values) == 1:  # as nearly all are
            try:
                pairs.append((names[name], values[0].encode("latin-1")))
                continue
            except (AttributeError, UnicodeEncodeError):  # it is no string, or not latin-1
                pass
        pairs += _listed_pairs(name, values, f"{field}.{name}")
    return pairs


def _listed_pairs(name: object, given: object, field: str) -> Headers:
    values = [given] if isinstance(given, str) else given
    if not isinstance(values, list):
        raise MalformedEvent(field, expected("an array", values))
    return request_pairs(name, values, field)


def request_pairs(name: object, values: list[Any], field: str) -> Headers:
    """The pairs of one name and its values.

    Cookies that HTTP/2 sent apart become one header again (RFC 9113, section
    8.2.3): frameworks read only one.
    """
    key = header_bytes(name, field).lower()
    encoded = [header_bytes(value, field) for value in values]
    if key == b"cookie" and encoded:
        encoded = [b"; ".join(encoded)]
    return [(key, value) for value in encoded]


def header_bytes(text: object, field: str, error: Malformed = MalformedEvent) -> bytes:
    """The bytes of a header's name or value."""
    if not isinstance(text, str):
        raise error(field, expected("a string", text))
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return utf8(text, field, error)


def joined(headers: Headers, separator: str = ", ") -> dict[str, str]:
    """A map of names to values, with repeats joined; cookies by what joins cookies.

    Whitespace around a value is none of it (RFC 9110, section 5.5): where values are
    joined nobody else would take it away.
    """
    texts: dict[str, str] = {}
    repeated: set[str] = set()
    for name, value in headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key in texts:
            before = texts[key] if key in repeated else texts[key].strip(_WHITESPACE)
            repeated.add(key)
            text = f"{before}{'; ' if key == 'cookie' else separator}{text.strip(_WHITESPACE)}"
        texts[key] = text
    return texts


def listed(headers: Headers) -> dict[str, list[str]]:
    """A map of names to arrays of values."""
    texts: dict[str, list[str]] = {}
    for name, value in headers:
        texts.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return texts


def single_map(headers: Headers) -> dict[str, str]:
    """A map of names to single values that loses nothing.

    Repeated headers are joined, but cookies cannot be. Each of them gets a key
    of its own, `set-cookie` in another mix of capitals: the keys differ in JSON,
    and are the same name in HTTP. (There are 512 mixes; more cookies are lost.)
    """
    cookies = [value.decode("latin-1") for name, value in headers if name == b"set-cookie"]
    if not cookies:
        return joined(headers)
    texts = joined([pair for pair in headers if pair[0] != b"set-cookie"])
    mixes = product(*zip("setcookie", "SETCOOKIE", strict=True))
    for mix, cookie in zip(mixes, cookies, strict=False):
        texts[f"{''.join(mix[:3])}-{''.join(mix[3:])}"] = cookie
    return texts


def end_to_end(headers: Headers) -> Headers:
    """The headers that go on to the next hop."""
    named = [value.lower() for name, value in headers if name == b"connection"]
    dropped = HOP_BY_HOP.union(token.strip() for value in named for token in value.split(b","))
    return [pair for pair in headers if pair[0] not in dropped]


def response_map(
    parent: dict[str, Any], key: str = "headers", *, strings_only: bool = False
) -> Headers:
    """The headers of a response in `parent[key]`, a map of names to values.

    Numbers and booleans stand for their JSON text, unless `strings_only`.
    """
    given = read_object(parent, key, "", MalformedResponse)
    return [
        response_pair(name, value if strings_only else _scalar(value), f"{key}.{name}")
        for name, value in given.items()
    ]


def response_lists(parent: dict[str, Any], key: str = "multiValueHeaders") -> Headers:
    """The headers of a response in `parent[key]`, a map of names to arrays of values."""
    pairs: Headers = []
    for name, values in read_object(parent, key, "", MalformedResponse).items():
        if not isinstance(values, list):
            raise MalformedResponse(f"{key}.{name}", expected("an array", values))
        pairs += [response_pair(name, _scalar(value), f"{key}.{name}") for value in values]
    return pairs


def response_cookies(parent: dict[str, Any]) -> Headers:
    """The `set-cookie` headers of a response that has them apart, in `cookies`."""
    cookies = read_list(parent, "cookies", "", MalformedResponse)
    return [response_pair("set-cookie", cookie, "cookies") for cookie in cookies]


def typed(headers: Headers, content_type: tuple[bytes, bytes]) -> Headers:
    """`headers`, with `content_type` among them if they name no type."""
    if any(name == b"content-type" for name, _ in headers):
        return headers
    return [*headers, content_type]


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 64):
        return repr(value)
    return value


def response_pair(name: str, value: object, field: str) -> tuple[bytes, bytes]:
    """One header, fit to be written out.

    A name that is no token, or a value with a line break in it, would let a
    function write another header or another response.
    """
    if not name or name.rstrip(_NAME_CHARACTERS):
        raise MalformedResponse(field, "is not the name of a header")
    text = header_bytes(value, field, MalformedResponse)
    if b"\n" in text or b"\r" in text or b"\0" in text:
        raise MalformedResponse(field, "has a line break or a NUL")
    return name.encode("ascii").lower(), text
