"""The environment that a snapshot is made of: it runs INIT, and then is copied, never invoked.

Should its process end, the next copy that is wanted has it started again, which is
INIT once more, in the same place: what its copies have in their /tmp lies below its own.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from warmstart.invoke import InvokeError
from warmstart.service.environments.copies import Copies
from warmstart.service.environments.enclosure import ProcessDriver, ProcessEnclosure
from warmstart.service.environments.ending import bearing, end_all
from warmstart.service.environments.environment import Environment, IllegalMove, State
from warmstart.service.environments.init import Init
from warmstart.service.environments.life import Life, Settings
from warmstart.service.environments.process import Process
from warmstart.service.environments.serving import Serving
from warmstart.service.errors import Failure, Fault, InitFailed
from warmstart.service.function import Function
from warmstart.service.invocation import Invocation

__all__ = ["Template"]


class Template(Life):
    """The INIT of a version with SnapStart. It is its own driver, and its own pool."""

    def __init__(self, function: Function, settings: Settings, driver: ProcessDriver) -> None:
        now = settings.clock.monotonic()
        environment = Environment(secrets.token_hex(16), 0, now)
        self._driver = driver
        self._copies: Copies | None = None
        self._enclosure: TemplateEnclosure | None = None
        self._ready: asyncio.Future[Copies | None] = asyncio.get_running_loop().create_future()
        super().__init__(function, environment, "snap-start", settings, self, self)

    async def copies(self) -> Copies | None:
        """What makes copies of it, once INIT is done; `None` if it cannot be copied.

        Raises:
            InitFailed: INIT failed.
            ServiceFault: the template was closed.
        """
        if self.environment.state is State.RESET:
            now = self._clock.monotonic()
            self.environment.start_again(now)
            self._init = Init("snap-start", "init", now)
            self._ready = self._loop.create_future()
            self._supervisor.wake()
        return await asyncio.shield(self._ready)

    @property
    def temporary(self) -> Path:
        """Its /tmp, on the host."""
        assert self._enclosure is not None
        return self._enclosure.temporary

    def close(self) -> None:
        """End it; what it has is gone when `run` returns."""
        if self._begin_shutdown("spindown"):
            self._supervisor.kill()

    # What its process tells

    async def open(self, function: Function, environment_id: str) -> TemplateEnclosure:
        """Make the place of its process."""
        self._enclosure = self._driver.enclose(TemplateEnclosure, function, environment_id)
        self._enclosure.on_start = self._connect
        return self._enclosure

    def _connect(self, control: socket.socket) -> None:
        self._copies = Copies(control, self._become_ready)

    def _become_ready(self, can_be_copied: bool) -> None:
        if self._init.over:
            return
        self._cancel_deadline()
        self.environment.next(self._clock.monotonic())
        self._initialized()
        self._ready.set_result(self._copies if can_be_copied else None)

    def restore_next(self) -> None:
        """`GET restore/next`: a runtime that knows nothing of templates."""
        self._become_ready(False)
        super().restore_next()

    async def next(self) -> Invocation[Any] | None:
        """`GET invocation/next`: the same."""
        self._become_ready(False)
        return None

    def disconnected(self) -> None:
        """Nothing of the process is left."""
        super().disconnected()
        if self._copies is not None:
            self._copies.close()
            self._copies = None

    def _crashed(self, fault: Fault) -> None:
        self.environment.reset(self._clock.monotonic())

    def _init_failed(self, failure: Failure) -> None:
        self._cancel_deadline()
        self._end_init(failure)
        self._ready.set_exception(InitFailed(failure.error_type, failure.payload(None)))
        self._ready.exception()  # somebody may have waited for it, or nobody
        self.environment.reset(self._clock.monotonic())
        self._supervisor.dismiss("failure")

    def changed(self, sandbox: Life) -> None:
        """It has moved, by itself."""

    def init_failed(self, sandbox: Life, failure: Failure) -> None:
        """The service itself failed to run it."""
        if not self._ready.done():
            error = InitFailed(failure.error_type, failure.payload(None))
            self._ready.set_exception(error)
            self._ready.exception()

    # It has no invocations

    def serve(self, invocation: Invocation[Any]) -> None:
        """Nobody invokes it."""
        raise IllegalMove(f"{self.environment!r} is a template")

    def refuse(self, error: InvokeError) -> None:
        """There is nobody to be refused."""

    def end_response(self, request_id: str, failure: Failure | None) -> None:
        """There is no response."""

    def _end_invocations(self, fault: Fault) -> None:
        pass

    def _refuse_polls(self) -> None:
        pass

    def _serving_of(self, request_id: str) -> Serving | None:
        return None


class TemplateEnclosure(ProcessEnclosure):
    """Where a template's process lives, with a socket by which it is told to copy itself."""

    on_start: Callable[[socket.socket], None]

    async def start(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        on_output: Callable[[str], None],
        on_exit: Callable[[int], None],
    ) -> Process:
        """Start it. Raises `OSError`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._passed = (theirs.fileno(),)
                control = {"WARMSTART_SNAPSHOT_FD": str(theirs.fileno())}
                variables = {**variables, **control}
                process = await super().start(arguments, variables, on_output, on_exit)
        except BaseException:
            ours.close()
            raise
        self.on_start(ours)
        return process

    def _end_what_is_left(self) -> None:
        # Where there are no groups its copies cannot be told from it, and they go on.
        if self._cgroup is not None:
            super()._end_what_is_left()

    def _remove(self) -> None:
        end_all(lambda: bearing(self._environment_id))
        super()._remove()
