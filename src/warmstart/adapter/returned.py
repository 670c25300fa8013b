"""The exchange for a runtime that knows none: it keeps the answer for the handler to return."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ReturnedAnswer"]

# Lambda's limit on a buffered response as JSON, and the size below which no text
# can reach it: JSON writes a character in six bytes at most.
_MAX_RESPONSE = 6 * 1024 * 1024 + 100
_SURELY_SMALL = _MAX_RESPONSE // 6 - 64 * 1024

# AWS's Python runtime escapes non-ASCII characters before 3.12 and not since.
_ENSURE_ASCII = sys.version_info < (3, 12)

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

    To count the escapes takes a quarter of the time that it takes to write them,
    which the runtime will do once more.
    """
    data = body.encode("utf-8", "backslashreplace")
    escapes = len(data) - len(data.translate(None, _ESCAPED))
    bound = len(data) + 5 * escapes + len(_dump({**result, "body": ""}))
    if bound <= _MAX_RESPONSE and (body.isascii() or not _ENSURE_ASCII):
        return True
    return len(_dump(result)) <= _MAX_RESPONSE


def _dump(result: dict[str, Any]) -> bytes:
    """`result` as the runtime will write it, or nearly: it knows a few types more than `json`."""
    import json

    text = json.dumps(result, ensure_ascii=_ENSURE_ASCII, default=str)
    return text.encode("utf-8", "backslashreplace")
