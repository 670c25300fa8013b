"""Answer before Lambda kills the environment.

A time-out costs more than one request: the environment dies, and the next
caller waits for a cold start. So a moment before the deadline the app is
cancelled, and there is still time to answer 504.
"""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["Deadline"]


class Deadline:
    """The deadline of one invocation. `passed` tells that it cancelled the task."""

    __slots__ = ("_context", "_margin", "passed")

    def __init__(self, context: Any, margin: float | None) -> None:
        self._context = context
        self._margin = margin
        self.passed = False

    def arm(
        self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]
    ) -> asyncio.TimerHandle | None:
        """Cancel `task` when the margin before the deadline begins, unless told not to guard.

        A context without a deadline (a test's, say) guards nothing.
        """
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        if self._margin is None or remaining is None:
            return None
        return loop.call_later(max(0.0, remaining() / 1000 - self._margin), self._cancel, task)

    def reclaim(self, error: BaseException) -> None:
        """Go on after a cancellation that was ours or the app's own; obey anybody else's."""
        if not isinstance(error, asyncio.CancelledError):
            return
        task = asyncio.current_task()
        if self.passed and task is not None:
            task.uncancel()
        elif task is not None and task.cancelling():
            raise error

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self.passed = True
        task.cancel()
