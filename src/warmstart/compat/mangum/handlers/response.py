"""The parts of a response, as the dictionaries of the front doors have them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from warmstart.compat.mangum.types import Headers, LambdaConfig
from warmstart.events.body import encode_base64

__all__ = ["decode_pairs", "encode_body", "split_repeated", "without_excluded"]

V = TypeVar("V")


def decode_pairs(headers: Headers) -> list[tuple[str, str]]:
    """The app's headers as text, with names in lower case."""
    return [(_decode(name).lower(), _decode(value)) for name, value in headers]


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:  # bytes that are no UTF-8 are latin-1
        return data.decode("latin-1")


def split_repeated(headers: Headers) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The headers that come once, and those that come more than once."""
    values: dict[str, list[str]] = {}
    for name, value in decode_pairs(headers):
        values.setdefault(name, []).append(value)
    single = {name: given[0] for name, given in values.items() if len(given) == 1}
    return single, {name: given for name, given in values.items() if len(given) > 1}


def encode_body(body: bytes, content_type: str, text_types: Iterable[str]) -> tuple[str, bool]:
    """The body as a string, and whether it is base64.

    Text is what has one of `text_types` anywhere in its content type, and is UTF-8.
    """
    if not body:
        return "", False
    if any(text_type in content_type for text_type in text_types):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return encode_base64(body), True


def without_excluded(headers: dict[str, V], config: LambdaConfig) -> dict[str, V]:
    """The headers that the adapter was not told to leave out."""
    excluded = config["exclude_headers"]
    return {name: value for name, value in headers.items() if name not in excluded}
