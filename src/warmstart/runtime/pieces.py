"""What a generator handler yields, as bytes of a response."""

from __future__ import annotations

from warmstart.runtime.marshaller import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["as_bytes", "http_head", "opening", "whole_response"]

_HTTP = "application/vnd.awslambda.http-integration-response"
_HEAD_MEMBERS = ("statusCode", "headers", "multiValueHeaders", "cookies")


def as_bytes(piece: Any) -> bytes:
    """One piece: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    return piece.encode() if isinstance(piece, str) else encode(piece)


def http_head(piece: Any) -> dict[str, Any] | None:
    """The status, headers and cookies that `piece` gives, if it is the head of an HTTP response."""
    if not (isinstance(piece, dict) and "statusCode" in piece):
        return None
    return {name: piece[name] for name in _HEAD_MEMBERS if name in piece}


def opening(first: Any, head: dict[str, Any] | None) -> tuple[str, bytes]:
    """The content type and the first bytes of a streamed response.

    The front door takes the head, as JSON, and the eight NUL bytes off again.
    """
    if head is None:
        return "application/octet-stream", as_bytes(first)
    return _HTTP, encode(head) + bytes(8)


def whole_response(head: dict[str, Any], body: list[bytes]) -> dict[str, Any]:
    """The same as one buffered response, as every front door takes it."""
    data = b"".join(body)
    try:
        return {**head, "body": data.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        from binascii import b2a_base64

        text = b2a_base64(data, newline=False).decode("ascii")
        return {**head, "body": text, "isBase64Encoded": True}
