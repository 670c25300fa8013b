"""Where triggers learn the time, and wait for a time to come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """`time` is seconds since the epoch; `sleep` waits for so many seconds."""

    time: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)
