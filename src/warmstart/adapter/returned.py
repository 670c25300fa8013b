"""The exchange for a runtime that knows none: it keeps the answer for the handler to return."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ReturnedAnswer"]

# Lambda's limit on a buffered response as JSON, and the size below which no text
# can reach it: JSON writes a character in six bytes at most.
_MAX_RESPONSE = 6 * 1024 * 1024 + 100
_SURELY_SMALL = _MAX_RESPONSE // 6 - 64 * 1024

# AWS's client escapes non-ASCII characters, but not in AWS's own images since Python 3.12.
_ENSURE_ASCII = sys.version_info < (3, 12) or not os.environ.get(
    "AWS_EXECUTION_ENV", ""
).startswith("AWS_Lambda_python3.")

_WIDEST = 12 if _ENSURE_ASCII else 4  # bytes of a character, once it is JSON

# What JSON writes as an escape, in two or in six bytes.
_ESCAPED = bytes(range(32)) + b'"\\'


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
    at_most = len(body) if result.get("isBase64Encoded") is True else _text_size(body)
    at_most += len(_dump({**result, "body": ""}))
    return at_most <= _MAX_RESPONSE or len(_dump(result)) <= _MAX_RESPONSE


def _text_size(text: str) -> int:
    """The bytes of `text` as JSON, or a few more."""
    width = 1 if text.isascii() else _WIDEST
    if width == 1:
        try:
            from orjson import dumps
        except ImportError:
            pass
        else:
            return len(dumps(text))
    data = text.encode("utf-8", "replace")
    return width * len(text) + 5 * (len(data) - len(data.translate(None, _ESCAPED)))


def _dump(result: dict[str, Any]) -> bytes:
    """`result` as the runtime will write it, or nearly: it knows a few types more than `json`."""
    import json

    text = json.dumps(result, ensure_ascii=_ENSURE_ASCII, default=str)
    return text.encode("utf-8", "backslashreplace")
