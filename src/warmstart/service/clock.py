"""The one place that reads the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` measures durations, `time` is seconds since the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    time: Callable[[], float] = time.time
