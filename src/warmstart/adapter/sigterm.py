"""The end of an environment whose runtime does not tell of it: AWS's own.

Where an extension is registered Lambda sends SIGTERM, and SIGKILL half a second
to two seconds later. AWS's client leaves SIGTERM to the function, and waits for
ever if its handler calls `sys.exit`. So what has to be undone is undone here, and
the process left at once.

The main thread does it if it can: what an app has opened there, an SQLite
connection say, must be closed there. It cannot where it waits for the next event
in native code, as AWS's client does before Python 3.12 and outside of AWS's
images: no handler of Python's runs then. So a thread waits on a pipe that the
interpreter's wake-up descriptor fills, and does it if the main thread does not.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
https://github.com/aws/aws-lambda-python-runtime-interface-client/issues/105
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["stop_on_sigterm"]

logger = logging.getLogger("warmstart")

_MAIN_THREAD_HAS = 0.1  # seconds


def stop_on_sigterm(stop: Callable[[], None], is_idle: Callable[[], bool]) -> None:
    """At SIGTERM call `stop` and end the process.

    Where there is a runtime to end it, that is, and nothing else that takes
    SIGTERM; what the function installs later comes before ours.

    Args:
        stop: Undoes what the environment has begun; waits for a running invocation.
        is_idle: Whether no invocation runs.
    """
    if (
        "AWS_LAMBDA_RUNTIME_API" in os.environ
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        _Ending(stop, is_idle).listen()


class _Ending:
    """Ours is SIGTERM until the main thread begins to end the process: then it is ignored."""

    def __init__(self, stop: Callable[[], None], is_idle: Callable[[], bool]) -> None:
        self._stop = stop
        self._is_idle = is_idle
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._rope, False)

    def listen(self) -> None:
        taken = signal.set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        if taken >= 0:
            signal.set_wakeup_fd(taken)  # somebody's event loop; `_on_term` will do
        signal.signal(signal.SIGTERM, self._on_term)
        os.register_at_fork(
            before=_hold, after_in_parent=_release, after_in_child=self._begin_as_child
        )
        threading.Thread(target=self._wait, name="warmstart-sigterm", daemon=True).start()

    def _is_ours(self) -> bool:
        return signal.getsignal(signal.SIGTERM) == self._on_term

    def _on_term(self, _signal: int, _frame: Any) -> None:
        if self._is_idle():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._end()
        else:
            os.write(self._rope, bytes((signal.SIGTERM,)))

    def _wait(self) -> None:
        while True:
            heard = os.read(self._bell, 512)
            time.sleep(_MAIN_THREAD_HAS)
            if signal.SIGTERM in heard and self._is_ours():
                self._end()

    def _end(self) -> None:
        try:
            self._stop()
        except BaseException:
            logger.exception("The environment did not shut down cleanly.")
        try:
            atexit._run_exitfuncs()
        finally:  # pragma: no cover - what measures coverage has ended with atexit
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _begin_as_child(self) -> None:
        """A process that the function forks ends as any other, and rings nobody's bell."""
        signal.set_wakeup_fd(-1)
        if self._is_ours():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _release()


def _hold() -> None:
    """Let no SIGTERM for a child come before it knows that it is one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
