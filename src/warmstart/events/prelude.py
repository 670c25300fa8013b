"""The prelude of a streamed HTTP response: status and headers as JSON, and eight NULs.

The body follows. A runtime streams both with the content type below, and the
front door cuts the prelude off again. JSON escapes the NUL in its strings, so
the first eight in a row are the delimiter. API Gateway wants it within the first
16 KB; Function URLs name no limit and get the same here.

https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from __future__ import annotations

from warmstart.events.errors import MalformedResponse
from warmstart.events.fields import expected
from warmstart.events.headers import joined, response_cookies, response_lists, response_map
from warmstart.events.http import HTTPResponse
from warmstart.events.status import read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["CONTENT_TYPE", "MAX_PRELUDE", "PreludeParser", "build"]

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
"""The content type of a streamed response that begins with a prelude."""

MAX_PRELUDE = 16 * 1024
"""Bytes within which the prelude and its delimiter must end."""

_DELIMITER = bytes(8)


def build(response: HTTPResponse) -> bytes:
    """The prelude of `response`, with its delimiter; the body is not looked at.

    Repeated headers are joined; cookies go apart.
    """
    from json import dumps

    metadata: dict[str, Any] = {
        "statusCode": response.status,
        "headers": joined([pair for pair in response.headers if pair[0] != b"set-cookie"]),
    }
    cookies = [value.decode("latin-1") for name, value in response.headers if name == b"set-cookie"]
    if cookies:
        metadata["cookies"] = cookies
    return dumps(metadata, separators=(",", ":")).encode("ascii") + _DELIMITER


class PreludeParser:
    """Finds the prelude at the beginning of a stream that comes in pieces of any size.

    Feed it until it returns the response, then read the stream without it. Call
    `finish` if the stream ends before that.
    """

    __slots__ = ("_received",)

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> HTTPResponse | None:
        """The response, its body what came after the delimiter so far; None if more must come.

        Raises:
            MalformedResponse: the prelude cannot be read, or is too long.
        """
        received = self._received
        begin = max(0, len(received) - len(_DELIMITER) + 1)  # a delimiter may be cut in two
        received += data
        end = received.find(_DELIMITER, begin, MAX_PRELUDE)
        if end >= 0:
            response = _parse(bytes(received[:end]))
            response.body = bytes(received[end + len(_DELIMITER) :])
            return response
        if len(received) >= MAX_PRELUDE:
            raise MalformedResponse("prelude", f"does not end within {MAX_PRELUDE} bytes")
        return None

    def finish(self) -> None:
        """Say that the stream has ended before its prelude had.

        Raises:
            MalformedResponse: always.
        """
        raise MalformedResponse("prelude", "the stream ended within it")


def _parse(text: bytes) -> HTTPResponse:
    from json import loads

    try:
        metadata = loads(text)
    except (ValueError, RecursionError) as problem:
        raise MalformedResponse("prelude", f"is not JSON: {problem}") from None
    if not isinstance(metadata, dict):
        raise MalformedResponse("prelude", expected("an object", metadata))
    lists = response_lists(metadata)
    listed = {name for name, _ in lists}
    single = [pair for pair in response_map(metadata, strings_only=True) if pair[0] not in listed]
    status = metadata.get("statusCode")
    return HTTPResponse(
        200 if status is None else read_status(status, "statusCode"),
        single + lists + response_cookies(metadata),
    )
