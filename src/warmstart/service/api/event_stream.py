"""AWS's event stream encoding, as `InvokeWithResponseStream` answers in it.

A message is: total length, headers' length, CRC of these two, headers, payload, CRC
of all before it. https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import struct
import zlib
from functools import cache

__all__ = ["CONTENT_TYPE", "invoke_complete", "payload_chunk"]

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
_CRC = struct.Struct(">I")
_LENGTHS = struct.Struct(">II")
_OVERHEAD = _LENGTHS.size + 2 * _CRC.size


def payload_chunk(data: bytes) -> bytes:
    """A piece of the function's response."""
    return _message(_headers("PayloadChunk", "application/octet-stream"), data)


def invoke_complete(
    error_code: str | None = None, error_details: str | None = None, log_result: str | None = None
) -> bytes:
    """The end of the response. `log_result` is the end of the log, in base64."""
    members = {"ErrorCode": error_code, "ErrorDetails": error_details, "LogResult": log_result}
    document = {name: value for name, value in members.items() if value is not None}
    return _message(_headers("InvokeComplete", "application/json"), json.dumps(document).encode())


def _message(headers: bytes, payload: bytes) -> bytes:
    lengths = _LENGTHS.pack(len(headers) + len(payload) + _OVERHEAD, len(headers))
    message = b"".join((lengths, _CRC.pack(zlib.crc32(lengths)), headers, payload))
    return message + _CRC.pack(zlib.crc32(message))


@cache
def _headers(event_type: str, content_type: str) -> bytes:
    headers = {
        ":event-type": event_type,
        ":content-type": content_type,
        ":message-type": "event",
    }
    return b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack(
        f">B{len(name)}sBH{len(value)}s", len(name), name, _STRING, len(value), value
    )
