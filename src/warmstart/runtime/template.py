"""The process in which INIT runs once, and of which each environment is a copy.

The service holds the other end of a Unix socket that keeps messages apart. Each
is a JSON object; only "copy" brings descriptors along, the copy's standard output
and the files by which it enters its control groups:

    template ── {"ready": true} ───────────────────────▶ service
             ◀─ {"copy": {"variables": …, "view": …}} ──
    the copy ── {"pid": 12} ───────────────────────────▶     when it stands on its own
    template ── {"exited": 12, "returncode": 0} ───────▶
             ◀─ {"reap": 12} ───────────────────────────     until then the id is its own

Where no copy can be made `ready` is false. One that cannot be made says "error",
an errno with its text. The template ends when the service closes the socket.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from select import POLLIN, poll

from warmstart.runtime.inheritance import Inheritance
from warmstart.runtime.mounts import own_temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from warmstart.runtime.logs import LogOutput

__all__ = ["Template"]

_MAX_MESSAGE = 256 * 1024
_MAX_DESCRIPTORS = 8


class Template:
    """This process, which talks to the service by the socket `descriptor`."""

    def __init__(self, descriptor: int, output: LogOutput) -> None:
        self._output = output
        self._control = socket.socket(fileno=descriptor)
        self._copies: dict[int, int] = {}  # by the descriptor that tells of its end: its id
        self._poll = poll()
        self._poll.register(descriptor, POLLIN)

    def wait(self) -> None:
        """Make copies as long as the service wants some; return in each of them, and only there.

        Its environment variables are then its own.
        """
        inheritance = Inheritance({self._control.fileno()})
        for warning in inheritance.warnings():
            self._output.notice("WARNING", warning)
        # What is collected now is not collected in each copy, and what the collector does not
        # look at stays the same memory in all of them.
        gc.collect()
        gc.freeze()
        self._say({"ready": inheritance.can_be_copied})
        while (request := self._next_copy()) is None:
            pass
        copy, descriptors = request
        self._stand_alone(copy, descriptors, inheritance)

    def _next_copy(self) -> tuple[dict[str, Any], list[int]] | None:
        """Serve what there is; in a copy that was just made, return what it is to become."""
        for ready, _ in self._poll.poll():
            if ready != self._control.fileno():
                self._report_exit(ready)
                continue
            message, descriptors, _, _ = socket.recv_fds(
                self._control, _MAX_MESSAGE, _MAX_DESCRIPTORS
            )
            if not message:
                os._exit(0)  # no environment ends here: nothing is to be undone
            request = json.loads(message)
            if "reap" in request:
                os.waitpid(request["reap"], 0)
            elif self._fork():
                return request["copy"], descriptors
            for descriptor in descriptors:
                os.close(descriptor)
        return None

    def _fork(self) -> bool:
        """Whether this is the copy."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        try:
            pid = os.fork()
        except OSError as error:
            self._say({"error": [error.errno, error.strerror]})
            return False
        if pid:
            descriptor = os.pidfd_open(pid)
            self._copies[descriptor] = pid
            self._poll.register(descriptor, POLLIN)
        return pid == 0

    def _report_exit(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        os.close(descriptor)
        pid = self._copies.pop(descriptor)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        returncode = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        self._say({"exited": pid, "returncode": returncode})

    def _stand_alone(
        self, copy: dict[str, Any], descriptors: list[int], inheritance: Inheritance
    ) -> None:
        """What makes the copy an environment of its own."""
        output, *groups = descriptors
        try:
            for group in groups:
                os.write(group, b"0")
                os.close(group)
            for standard in (1, 2):
                os.dup2(output, standard)
            os.close(output)
            for descriptor in self._copies:
                os.close(descriptor)
            os.setsid()
            if copy["view"] is not None:
                own_temporary(**copy["view"])
            _take(copy["variables"])
            inheritance.divide()
        except OSError as error:
            self._say({"error": [error.errno, error.strerror], "pid": os.getpid()})
            os._exit(1)
        self._say({"pid": os.getpid()})
        self._control.close()

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())


def _take(variables: dict[str, str]) -> None:
    """Have these environment variables; what the function has set itself stays."""
    new = {name for name, value in variables.items() if os.environ.get(name) != value}
    for name in new:
        os.environ[name] = variables[name]
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None and "TMPDIR" in new:
        tempfile.tempdir = None  # it keeps what it found first
