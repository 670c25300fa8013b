"""Posting the result of an event that is not HTTP."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from warmstart.adapter.exchange import Exchange

__all__ = ["ResultTooLarge", "respond"]


class ResultTooLarge(RuntimeError):
    """A result is larger than Lambda carries: 6 MB as JSON."""


async def respond(exchange: Exchange, result: Any) -> None:
    """Answer the invocation with `result`, any JSON value.

    Raises:
        ResultTooLarge: nothing was posted.
    """
    if not await exchange.respond(result):
        raise ResultTooLarge("The result of the event is too large: Lambda carries 6 MB as JSON.")
