"""The event loop that lives across invocations and runs only while one is served.

Between invocations the environment is frozen, so a loop that kept running would
have nothing to do, and the thread that called the handler needs its stack back.
`InvocationLoop.run` therefore enters the loop, runs one coroutine to its end and
leaves; tasks, timers and connections stay for the next call.

Most requests never wait: the app answers without one real suspension. Python
3.12's eager tasks run such a coroutine where they are created, which costs
0.5 µs, where `run_until_complete` costs 8 µs for a turn of the loop that has
nothing to wait for. An eager task asks its loop whether it is running, so the
loop here says yes while we are inside. A task that does suspend goes on in the
ordinary way.

uvloop is not used here although it is faster once it runs: entering and leaving
it costs 30 µs. Where the loop runs for good (multi-concurrent mode) it is not
this loop that runs.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import weakref
from asyncio import Task
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Callable, Collection, Coroutine
from sys import get_asyncgen_hooks, set_asyncgen_hooks
from typing import Any, TypeVar

__all__ = ["InvocationLoop"]

T = TypeVar("T")

# Called with the loop and the task of a coroutine that has to wait.
Guard = Callable[[asyncio.AbstractEventLoop, "asyncio.Task[Any]"], asyncio.TimerHandle | None]

_EAGER = sys.version_info >= (3, 12)

# By this callback anyio knows the outermost task; it imports the name, too.
_ROOT_MARK: Callable[[asyncio.Future[Any]], None] = asyncio.base_events._run_until_complete_cb  # type: ignore[attr-defined]


class _EnteredLoop(asyncio.SelectorEventLoop):
    """A loop that counts as running while an eager task is started on it."""

    entered = False

    def __init__(self) -> None:
        super().__init__()
        # What `run_forever` sets for its time; private, but for 3.11 to 3.14 the same.
        self.hooks: tuple[Any, Any] = self._asyncgen_firstiter_hook, self._asyncgen_finalizer_hook  # type: ignore[attr-defined]
        self.ready_callbacks: Collection[object] = self._ready  # type: ignore[attr-defined]

    def is_running(self) -> bool:
        return self.entered or super().is_running()


class InvocationLoop:
    """A private event loop, entered for one coroutine at a time from any thread.

    It never becomes the current loop of the process or the thread, and it works
    when the calling thread is inside another running loop.
    """

    def __init__(self) -> None:
        self._loop = _EnteredLoop()
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._root = _plant_root(self._loop)
        _loops.add(self)

    def run(self, coroutine: Coroutine[Any, Any, T], guard: Guard | None = None) -> T:
        """Run `coroutine` to its end and return its result, or raise what it raised.

        `guard` is called if the coroutine suspends; it may arm a timer that
        cancels the task, which is disarmed when the task has ended.

        Raises:
            RuntimeError: the coroutine of this loop's current caller called again.
        """
        me = threading.get_ident()
        if self._owner == me:
            coroutine.close()
            raise RuntimeError("The handler was called from inside its own invocation.")
        with self._lock:
            self._owner = me
            outer = _get_running_loop()
            try:
                task = self._start(coroutine)
                if not (task.done() and not self._loop.ready_callbacks):
                    self._wait(task, guard)
                return task.result()
            finally:
                _set_running_loop(outer)
                self._owner = None

    @property
    def idle(self) -> bool:
        """Whether no thread is inside."""
        return not self._lock.locked()

    def close(self) -> None:
        """Cancel what still runs on the loop and close it."""
        loop = self._loop
        if loop.is_closed():
            return
        self._root.remove_done_callback(_ROOT_MARK)  # it would stop the loop
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        outer = _get_running_loop()
        _set_running_loop(None)
        try:
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()
            _set_running_loop(outer)

    def __del__(self) -> None:
        self.close()  # else the threads tied to its root would keep the process from ending

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        loop = self._loop
        if not _EAGER:
            return loop.create_task(coroutine)
        hooks = get_asyncgen_hooks()
        set_asyncgen_hooks(*loop.hooks)
        _set_running_loop(loop)
        loop.entered = True
        try:
            return Task(coroutine, loop=loop, eager_start=True)  # type: ignore[call-arg]
        finally:
            loop.entered = False
            set_asyncgen_hooks(*hooks)

    def _wait(self, task: asyncio.Task[Any], guard: Guard | None) -> None:
        """Turn the loop until `task` has ended."""
        loop = self._loop
        timer = guard(loop, task) if guard is not None and not task.done() else None
        _set_running_loop(None)
        # Not run_until_complete: anyio would take the task for the root.
        task.add_done_callback(_stop)
        try:
            loop.run_forever()
        finally:
            task.remove_done_callback(_stop)
            if timer is not None:
                timer.cancel()


def _stop(task: asyncio.Future[Any]) -> None:
    ended = None if task.cancelled() else task.exception()
    if not isinstance(ended, (SystemExit, KeyboardInterrupt)):  # those have left the loop already
        task.get_loop().stop()


def _plant_root(loop: asyncio.AbstractEventLoop) -> asyncio.Task[None]:
    """Make the one long-lived task that anyio can tie its worker threads to.

    anyio ends its idle threads with the outermost task, which it knows by the
    callback that `run_until_complete` adds. Without a root that outlives the
    invocation, every call of a `def` endpoint would start a thread of its own
    (590 µs instead of 240 µs, measured).
    """
    root = loop.create_task(_live_on(loop), name="warmstart-root")
    root.add_done_callback(_ROOT_MARK)
    return root


async def _live_on(loop: asyncio.AbstractEventLoop) -> None:
    await loop.create_future()


_loops: weakref.WeakSet[InvocationLoop] = weakref.WeakSet()


def _close_idle() -> None:
    for loop in [loop for loop in _loops if loop.idle]:
        loop.close()


# At exit Python waits for all threads, and only then calls what `atexit` knows. The
# threads that anyio ties to a root would let it wait for ever, so they end here.
threading._register_atexit(_close_idle)  # type: ignore[attr-defined]
