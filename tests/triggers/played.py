"""A clock that a test turns, and an asynchronous invocation that it reads."""

from __future__ import annotations

import asyncio
import heapq
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from warmstart.invoke import ServiceFault
from warmstart.triggers.clock import Clock


class Time:
    """The time stands still until a test turns it; who sleeps wakes when its time has come."""

    def __init__(self, now: datetime) -> None:
        self.seconds = now.timestamp()
        self.sleeps: list[float] = []
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.clock = Clock(time=lambda: self.seconds, sleep=self._sleep)

    def set(self, now: datetime) -> None:
        """Set the wall clock, of which nobody who sleeps knows."""
        shift = now.timestamp() - self.seconds
        self.seconds += shift
        self._sleepers = [(due + shift, n, sleeper) for due, n, sleeper in self._sleepers]

    async def turn_to(self, now: datetime) -> None:
        """Let time pass, and everybody do what they do on the way."""
        await settle()
        while self._sleepers and self._sleepers[0][0] <= now.timestamp():
            due, _, sleeper = heapq.heappop(self._sleepers)
            self.seconds = max(self.seconds, due)
            if not sleeper.done():
                sleeper.set_result(None)
            await settle()
        self.seconds = now.timestamp()

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.seconds + seconds, next(self._order), sleeper))
        await sleeper


async def settle() -> None:
    """Let the others run until they wait for time to pass."""
    for _ in range(20):
        await asyncio.sleep(0)


@dataclass
class Queue:
    """Takes events as the service does; `refusals` times it cannot keep one."""

    time: Time | None = None
    refusals: int = 0
    taken: list[tuple[datetime, str, bytes, str | None]] = field(default_factory=list)

    async def enqueue(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        request_id: str | None = None,
    ) -> None:
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            raise ServiceFault("no room")
        now = self.time.clock.now() if self.time else datetime.now(UTC)
        self.taken.append((now, function, payload, request_id))

    def events(self) -> list[Any]:
        return [json.loads(payload) for _, _, payload, _ in self.taken]
