"""The exchange for a runtime that knows none: it keeps the answer for the handler to return."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ReturnedAnswer"]

# Lambda's limit on a buffered response as JSON, and the size below which no text
# can reach it: JSON writes a character in twelve bytes at most, as two surrogates.
_MAX_RESPONSE = 6 * 1024 * 1024 + 100
_SURELY_SMALL = _MAX_RESPONSE // 12 - 64 * 1024

# AWS's client escapes non-ASCII characters, but not in AWS's own images since Python 3.12.
_ENSURE_ASCII = sys.version_info < (3, 12) or not os.environ.get(
    "AWS_EXECUTION_ENV", ""
).startswith("AWS_Lambda_python3.")

_WIDEST = 12 if _ENSURE_ASCII else 4  # bytes of a character, once it is JSON

_ESCAPE = 6  # bytes of an ASCII character that JSON escapes, at most

# The one that only `json` escapes, and only if it does so to whatever is not ASCII.
_DELETE = "\x7f"

# What JSON writes as an escape, in two or in six bytes.
_ESCAPED = bytes(range(32)) + b'"\\\x7f'

_PIECE = 64 * 1024


class ReturnedAnswer:
    """Holds the result of one invocation. It cannot stream, and nobody's leaving can be seen."""

    __slots__ = ("result",)

    streaming = False

    def __init__(self) -> None:
        self.result: Any = None

    async def respond(self, result: Any) -> bool:
        body = result.get("body") if isinstance(result, dict) else None
        if isinstance(body, str) and len(body) > _SURELY_SMALL and not _fits(result, body):
            return False
        self.result = result
        return True

    async def start_stream(self, content_type: str, first: bytes, *, final: bool = False) -> None:
        raise RuntimeError("This runtime takes whole answers only.")

    async def write(self, data: bytes) -> None:
        raise RuntimeError("This runtime takes whole answers only.")

    async def finish(self) -> None:
        raise RuntimeError("This runtime takes whole answers only.")

    async def fail(self, error: BaseException) -> None:
        raise RuntimeError("This runtime takes whole answers only.")

    async def wait_disconnect(self) -> None:
        raise RuntimeError("This runtime takes whole answers only.")


def _fits(result: dict[str, Any], body: str) -> bool:
    """Whether `result`, with its long `body`, is within the limit.

    It is not written as JSON to see, if that can be helped: the runtime will do that
    once more, and it takes 2 ms a megabyte.
    """
    room = _MAX_RESPONSE - len(_dump({**result, "body": ""}))
    if result.get("isBase64Encoded") is True:
        return len(body) <= room
    return _surely_fits(body, room) or len(_dump(result)) <= _MAX_RESPONSE


def _surely_fits(text: str, room: int) -> bool:
    """Whether `text` has at most `room` bytes as JSON; if in doubt, it has not.

    What has not been looked at yet is taken to be as long as it can be, so that no more
    than is needed is looked at: a sixteenth of 1 MB.
    """
    widest = _ESCAPE if text.isascii() else max(_ESCAPE, _WIDEST)
    at_most = widest * len(text)
    for start in range(0, len(text), _PIECE):
        if at_most <= room:
            break
        piece = text[start : start + _PIECE]
        at_most += _text_size(piece) - widest * len(piece)
    return at_most <= room


def _text_size(text: str) -> int:
    """The bytes of `text` as JSON, or a few more."""
    width = 1 if text.isascii() else _WIDEST
    if width == 1 and _DELETE not in text:
        try:
            from orjson import dumps
        except ImportError:
            pass
        else:
            return len(dumps(text))
    data = text.encode("utf-8", "replace")
    escapes = len(data) - len(data.translate(None, _ESCAPED))
    return width * len(text) + (_ESCAPE - 1) * escapes


def _dump(result: dict[str, Any]) -> bytes:
    """`result` as the runtime will write it, or nearly: it knows a few types more than `json`."""
    import json

    text = json.dumps(result, ensure_ascii=_ENSURE_ASCII, default=str)
    return text.encode("utf-8", "backslashreplace")
