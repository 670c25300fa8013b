"""Starts work when it is due: the thin part around `Lines`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from warmstart.service.asynchronous.lines import Lines
from warmstart.service.clock import Clock
from warmstart.service.state.errors import StateError

__all__ = ["Pump"]

_logger = logging.getLogger(__name__)
_LONGEST_SLEEP = 60.0
"""Seconds; the wall clock may be set, or the machine sleep, while a timer runs."""


class Pump:
    """Runs `work(id)` for what is pushed, in tasks, as `Lines` allows.

    `work` tells whether it was taken; false narrows its key's window. It pushes
    itself again if it is to be repeated; if it raises it is repeated after a minute,
    times `time_scale`. Nothing is started before `open`.
    """

    def __init__(
        self,
        work: Callable[[int], Awaitable[bool]],
        concurrency: int,
        clock: Clock,
        time_scale: float,
    ) -> None:
        self._work = work
        self._clock = clock
        self._pause = 60 * time_scale
        self._lines = Lines(concurrency)
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False

    def open(self) -> None:
        """Begin."""
        self._is_open = True
        self._start()

    async def aclose(self) -> None:
        """Start no more, and cancel what is under way."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def push(self, key: str, number: int, due: float) -> None:
        """Add work that may start at `due`, in seconds since the epoch."""
        self._lines.push(key, number, due)
        self._start()

    @property
    def waiting(self) -> int:
        """How many have not been started."""
        return len(self._lines)

    @property
    def under_way(self) -> int:
        """How many have been started and are not finished."""
        return self._lines.under_way

    def _start(self) -> None:
        if not self._is_open:
            return
        now = self._clock.time()
        for key, number in self._lines.take(now):
            task = asyncio.ensure_future(self._run(key, number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._lines.next_due()
        if due is not None:
            delay = min(max(0.0, due - now), _LONGEST_SLEEP)
            self._timer = asyncio.get_running_loop().call_later(delay, self._start)

    async def _run(self, key: str, number: int) -> None:
        taken = False
        try:
            taken = await self._work(number)
        except StateError as error:
            _logger.error("The durable queue cannot be used, will try again: %s", error)
            self._lines.push(key, number, self._clock.time() + self._pause)
        except Exception:
            _logger.exception("Delivering to %s failed in an unforeseen way, will try again", key)
            self._lines.push(key, number, self._clock.time() + self._pause)
        finally:
            self._lines.finished(key, self._clock.monotonic(), refused=not taken)
        self._start()
