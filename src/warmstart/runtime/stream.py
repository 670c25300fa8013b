"""How a streamed response is framed: one chunked POST whose trailers can still say it failed."""

from __future__ import annotations

__all__ = ["LAST_CHUNK", "chunk", "failure", "stream_head"]

_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = "Lambda-Runtime-Function-Error-Body"

LAST_CHUNK = b"0\r\n\r\n"


def stream_head(content_type: str) -> str:
    """The header lines that make a POST of a response a streamed one."""
    return (
        f"Content-Type: {content_type}\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        "Transfer-Encoding: chunked\r\n"
        f"Trailer: {_ERROR_TYPE}, {_ERROR_BODY}\r\n"
    )


def chunk(data: bytes) -> bytes:
    """One chunk; nothing for no data, because an empty chunk would be the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def failure(error_type: str, error_body: bytes) -> bytes:
    """The last chunk of a response that broke, with the error (JSON) in its trailers."""
    from binascii import b2a_base64

    encoded = b2a_base64(error_body, newline=False).decode("ascii")
    return f"0\r\n{_ERROR_TYPE}: {error_type}\r\n{_ERROR_BODY}: {encoded}\r\n\r\n".encode()
