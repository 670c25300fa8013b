"""ASGI's lifespan: startup before the first request, shutdown when the environment ends.

One coroutine of the app runs for the whole life. It is fed `lifespan.startup`,
answers, waits in `receive`, and is fed `lifespan.shutdown` at the end:

    NEW ── start ──▶ STARTED ── stop ──▶ STOPPED
     │                                      ▲
     └─ the app knows no lifespan: UNSUPPORTED (requests go on without)

An app that raises before it has answered the startup knows no lifespan (ASGI:
"the server should continue"), unless mode `"on"` insists.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from typing import Any, Literal

from warmstart.adapter.asgi import ASGIApp, Message

__all__ = ["Lifespan", "LifespanFailed", "LifespanMode"]

LifespanMode = Literal["auto", "on", "off"]

logger = logging.getLogger("warmstart")


class LifespanFailed(RuntimeError):
    """The app's startup or shutdown failed, or mode `"on"` met an app without lifespan."""


class _State(enum.Enum):
    NEW = "new"
    STARTED = "started"
    UNSUPPORTED = "unsupported"
    STOPPED = "stopped"


class Lifespan:
    """One life of an app. `state` is what its startup left in `scope["state"]`."""

    def __init__(self, app: ASGIApp, mode: LifespanMode) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._mode = mode
        self._status = _State.NEW
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether startup is over, so that requests may be served."""
        return self._status in (_State.STARTED, _State.UNSUPPORTED)

    @property
    def stoppable(self) -> bool:
        """Whether there is a shutdown to run."""
        return self._status is _State.STARTED

    async def start(self) -> None:
        """Run the startup.

        Raises:
            LifespanFailed: the app said `lifespan.startup.failed`, or the mode is "on"
                and the app has no lifespan.
        """
        if self._mode == "off":
            self._status = _State.UNSUPPORTED
            return
        self._task = asyncio.get_running_loop().create_task(self._live(), name="warmstart-lifespan")
        answer = await self._ask("lifespan.startup")
        if answer["type"] == "lifespan.startup.complete":
            self._status = _State.STARTED
        elif answer["type"] == "lifespan.startup.failed":
            await asyncio.wait([self._task])
            reason = answer.get("message") or "no message given"
            raise LifespanFailed(f"The app's lifespan startup failed: {reason}") from self._error()
        elif self._mode == "on":
            raise LifespanFailed(
                'The app does not serve the lifespan protocol, and lifespan="on" asks for it.'
            ) from self._error()
        else:
            # An error that nobody looks at would be logged by asyncio, as if it were one.
            logger.debug("The app does not serve the lifespan protocol.", exc_info=self._error())
            self.state.clear()
            self._status = _State.UNSUPPORTED

    async def stop(self) -> None:
        """Run the shutdown, once, if the startup completed. A failure is logged."""
        if not self.stoppable or self._task is None:
            return
        self._status = _State.STOPPED
        if not self._task.done():
            answer = await self._ask("lifespan.shutdown")
            if answer["type"] == "lifespan.shutdown.failed":
                logger.error("The app's lifespan shutdown failed: %s", answer.get("message", ""))
            await asyncio.wait([self._task])
        if (error := self._error()) is not None:
            logger.error("The app's lifespan raised.", exc_info=error)

    async def _ask(self, message_type: str) -> Message:
        """Feed one message; the app's answer, or `{"type": "returned"}` if it ended instead."""
        assert self._task is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._inbox.put_nowait({"type": message_type})
        ends: list[asyncio.Future[Any]] = [self._answer, self._task]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        return self._answer.result() if self._answer.done() else {"type": "returned"}

    async def _live(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        await self._app(scope, self._inbox.get, self._send)

    async def _send(self, message: Message) -> None:
        answer = self._answer
        if answer is None or answer.done() or not message["type"].startswith("lifespan."):
            raise RuntimeError(f"Unexpected ASGI message {message['type']!r} in the lifespan.")
        answer.set_result(message)

    def _error(self) -> BaseException | None:
        task = self._task
        return task.exception() if task and task.done() and not task.cancelled() else None
