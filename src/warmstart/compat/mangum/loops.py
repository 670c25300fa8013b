"""Which event loop an invocation runs on.

Mangum runs on the thread's current loop and makes one when it is constructed.
Functions beside it count on that: they make clients on this loop, or run their
own coroutines on it with `asyncio.get_event_loop().run_until_complete`. So:

    the thread's current loop is           an invocation runs on
    none yet, at construction              a loop of ours, current from then on
    the caller's own                       that
    closed, running, gone (`asyncio.run`   a private loop of the adapter's
        leaves none) or another thread's

On loops of ours the threads of `def` endpoints live on from call to call. (On
Python 3.11 asyncio makes a loop of its own where there is none yet, and does not
tell, so that counts as the caller's.)
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from warmstart.adapter.loop import InvocationLoop

__all__ = ["LoopChoice", "Run"]

T = TypeVar("T")

# The loops of ours that are, or were, some thread's current one: they live on,
# as code beside the adapter may have made things on them.
_installed: dict[asyncio.AbstractEventLoop, InvocationLoop] = {}


class Run(Protocol):
    """Runs a coroutine to its end on one loop."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


class LoopChoice:
    """Chooses for one adapter."""

    def __init__(self) -> None:
        self._private: InvocationLoop | None = None
        if not _has_current_loop():
            _install()

    def choose(self) -> Run:
        """What to run the parts of one invocation with, all of them."""
        try:
            current = asyncio.get_event_loop()
        except (RuntimeError, DeprecationWarning):  # the latter where warnings are errors
            return self._run_privately()
        if current.is_running() or current.is_closed():
            return self._run_privately()
        ours = _installed.get(current)
        return current.run_until_complete if ours is None else ours.run

    def _run_privately(self) -> Run:
        if self._private is None:
            self._private = InvocationLoop()
        return self._private.run


def _has_current_loop() -> bool:
    with warnings.catch_warnings():
        # Python 3.12 and 3.13 make a loop where there is none, and warn of it first.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return not asyncio.get_event_loop().is_closed()
        except (RuntimeError, DeprecationWarning):
            return False


def _install() -> None:
    ours = InvocationLoop()
    loop = ours.run(_this_loop())
    asyncio.set_event_loop(loop)
    for closed in [known for known in _installed if known.is_closed()]:
        del _installed[closed]
    _installed[loop] = ours


async def _this_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
