"""SIGTERM, which says that the environment is about to be shut down.

The loop waits for its next invocation in `poll`, on the connection and on a
pipe that the signal fills. So nothing is ever interrupted half way: an idle
process wakes and stops, a busy one finds the request when its invocation is
done. The pipe is filled by the interpreter's wake-up descriptor, which leaves
no moment in which a signal could be missed, and again by the handler, should
somebody's event loop have taken that descriptor.
"""

from __future__ import annotations

import os
import time
from _signal import (  # type: ignore[import-not-found]
    ITIMER_REAL,
    SIG_BLOCK,
    SIG_DFL,
    SIG_UNBLOCK,
    SIGALRM,
    SIGTERM,
    getsignal,
    pthread_sigmask,
    set_wakeup_fd,
    setitimer,
    signal,
)
from select import POLLIN, poll

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Shutdown"]


class Shutdown:
    """Whether to shut down, and the waiting that ends when one has to.

    A SIGTERM that comes while an invocation runs is obeyed after it, but not
    later than its deadline. One that a handler of the function's own takes is
    obeyed too, if that handler did not end the process.
    """

    def __init__(self) -> None:
        self.requested = False
        self._deadline_ms: int | None = None
        self._hang_bell()

    def _hang_bell(self) -> None:
        self._poll = poll()
        self._watched = -1
        self._bell, self._rope = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._rope, False)
        self._poll.register(self._bell, POLLIN)

    def listen(self) -> None:
        """Take SIGTERM. A handler that the function installs later comes before ours."""
        set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        signal(SIGTERM, self._on_term)
        os.register_at_fork(
            before=_hold, after_in_parent=_release, after_in_child=self._begin_as_child
        )

    def renew(self) -> None:
        """In a copy of the process that listened: listen there, apart from the others."""
        os.close(self._bell)
        os.close(self._rope)
        self._hang_bell()
        set_wakeup_fd(self._rope, warn_on_full_buffer=False)
        if getsignal(SIGTERM) == SIG_DFL:  # as `_begin_as_child` left it
            signal(SIGTERM, self._on_term)

    def is_overridden(self) -> bool:
        """Whether the function has a SIGTERM handler of its own."""
        return bool(getsignal(SIGTERM) != self._on_term)

    def wait_readable(self, fd: int) -> bool:
        """Wait until `fd` has input and return True, or False if it is time to shut down."""
        if fd != self._watched:
            if self._watched >= 0:
                self._poll.unregister(self._watched)
            self._poll.register(fd, POLLIN)
            self._watched = fd
        while True:
            for ready, _ in self._poll.poll():
                if ready == fd:
                    return True  # work that is there comes first
            self.requested |= SIGTERM in os.read(self._bell, 512)
            if self.requested:
                return False

    def begin_invocation(self, deadline_ms: int) -> None:
        """An invocation runs that must be over at `deadline_ms` (Unix time)."""
        self._deadline_ms = deadline_ms

    def end_invocation(self) -> None:
        """It is over."""
        self._deadline_ms = None
        if self.requested:
            setitimer(ITIMER_REAL, 0)

    def close(self) -> None:
        """Undo `listen` and close the pipe."""
        set_wakeup_fd(-1)
        if not self.is_overridden():
            signal(SIGTERM, SIG_DFL)
        os.close(self._bell)
        os.close(self._rope)

    def _on_term(self, _signal: int, _frame: Any) -> None:
        self.requested = True
        try:
            os.write(self._rope, bytes((SIGTERM,)))
        except BlockingIOError:
            pass  # full of signals already
        if self._deadline_ms is not None:
            # Nobody waits for an invocation beyond its deadline; the default action ends us.
            signal(SIGALRM, SIG_DFL)
            setitimer(ITIMER_REAL, max(0.001, self._deadline_ms / 1000 - time.time()))

    def _begin_as_child(self) -> None:
        """A process that the function forks ends as any other, and rings nobody's bell."""
        set_wakeup_fd(-1)
        if not self.is_overridden():
            signal(SIGTERM, SIG_DFL)
        _release()


def _hold() -> None:
    """Let no SIGTERM for a child come before it knows that it is one."""
    pthread_sigmask(SIG_BLOCK, (SIGTERM,))


def _release() -> None:
    pthread_sigmask(SIG_UNBLOCK, (SIGTERM,))
