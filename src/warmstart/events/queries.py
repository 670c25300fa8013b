"""Query strings, which some events carry as they were sent and others as maps."""

from __future__ import annotations

from warmstart.events.errors import MalformedEvent
from warmstart.events.fields import HALF_CHARACTER, expected, read_object
from warmstart.events.paths import target_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Pairs: TypeAlias = list[tuple[str, str]]

__all__ = ["encode_query", "parse_query", "quote_query", "read_pairs", "split_query"]


def parse_query(query: bytes) -> dict[str, list[str]]:
    """The decoded names of a query string, each with its decoded values in order."""
    if not query:
        return {}
    from urllib.parse import parse_qs

    return parse_qs(target_text(query), keep_blank_values=True)


def split_query(query: bytes) -> dict[str, list[str]]:
    """The names of a query string, each with its values in order, all still encoded."""
    values: dict[str, list[str]] = {}
    for pair in target_text(query).split("&"):
        if pair:
            name, _, value = pair.partition("=")
            values.setdefault(name, []).append(value)
    return values


def read_pairs(parent: dict[str, Any], lists: str, singles: str) -> Pairs:
    """The pairs of the map of arrays `parent[lists]`, or else of the map `parent[singles]`.

    A lone string among the arrays is an array of one.
    """
    field = lists if parent.get(lists) else singles
    pairs: Pairs = []
    for name, given in read_object(parent, field).items():
        values = [given] if isinstance(given, str) else given
        if not isinstance(values, list):
            raise MalformedEvent(f"{field}.{name}", expected("an array", values))
        for value in values:
            if not isinstance(value, str):
                raise MalformedEvent(f"{field}.{name}", expected("a string", value))
            pairs.append((name, value))
    return pairs


def encode_query(pairs: Pairs, field: str) -> bytes:
    """The query string of names and values that are decoded."""
    return _write_query(pairs, field, _encode_part)


def quote_query(pairs: Pairs, field: str) -> bytes:
    """The query string of names and values that are encoded.

    Only what could not stand in a query string is encoded, so that values which
    came decoded make a sound one too.
    """
    return _write_query(pairs, field, _quote_part)


def _write_query(pairs: Pairs, field: str, encode: Callable[[str], str]) -> bytes:
    try:
        text = "&".join([f"{encode(name)}={encode(value)}" for name, value in pairs])
    except UnicodeEncodeError:
        raise MalformedEvent(field, HALF_CHARACTER) from None
    return text.encode("ascii")


# What stands for itself needs no `urllib`, which takes 2 µs even then.


def _encode_part(text: str) -> str:
    if not text.rstrip(_UNRESERVED):
        return text
    from urllib.parse import quote_plus

    return quote_plus(text)


def _quote_part(text: str) -> str:
    if not text.rstrip(_UNRESERVED + _SAFE_IN_QUERY):
        return text
    from urllib.parse import quote

    return quote(text, safe=_SAFE_IN_QUERY)


# RFC 3986, section 2.3.
_UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
# RFC 3986, section 3.4, without what divides pairs; and "%", which is there to stay.
_SAFE_IN_QUERY = "%/?:@-._~!$'()*+,;="
