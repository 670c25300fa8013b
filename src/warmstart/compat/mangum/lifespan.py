"""ASGI's lifespan around one invocation.

    CONNECTING ── receive ──▶ STARTUP ── receive ──▶ SHUTDOWN
        │                        │                      │
        │ sends first            │ says "failed",       │
        ▼                        ▼ or sends what        ▼ the same
    UNSUPPORTED                FAILED  is no answer   FAILED

Only `FAILED` reaches the caller. An app that ends in any other way, by an
exception too, is served without its lifespan, in mode "on" as in "auto".
"""

from __future__ import annotations

import asyncio
import enum
import logging
from typing import Any

from warmstart.compat.mangum.exceptions import (
    LifespanFailure,
    LifespanUnsupported,
    UnexpectedMessage,
)
from warmstart.compat.mangum.types import ASGI, LifespanMode, Message

__all__ = ["LifespanCycle"]

logger = logging.getLogger("mangum.lifespan")


class _State(enum.Enum):
    CONNECTING = "nothing received yet"
    STARTUP = "startup"
    SHUTDOWN = "shutdown"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


_ANSWERS = frozenset(
    {
        "lifespan.startup.complete",
        "lifespan.startup.failed",
        "lifespan.shutdown.complete",
        "lifespan.shutdown.failed",
    }
)


class LifespanCycle:
    """The `receive` and `send` of one lifespan. `state` is what its startup left in the scope."""

    def __init__(self, app: ASGI, lifespan: LifespanMode) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._insists = lifespan == "on"
        self._status = _State.CONNECTING
        self._error: Exception | None = None
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Begin the lifespan and wait for the app's answer.

        Raises:
            LifespanFailure: the startup failed.
        """
        self._task = asyncio.get_running_loop().create_task(self._live(), name="mangum-lifespan")
        await self._pass("lifespan.startup", self._started)

    async def shutdown(self) -> None:
        """End the lifespan and wait for the app's answer.

        Raises:
            LifespanFailure: the shutdown failed.
        """
        await self._pass("lifespan.shutdown", self._stopped)

    async def _pass(self, message_type: str, answered: asyncio.Event) -> None:
        self._inbox.put_nowait({"type": message_type})
        await answered.wait()
        if self._status is _State.FAILED:
            raise LifespanFailure(self._error) from self._error

    async def _live(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"spec_version": "2.0", "version": "3.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except (LifespanFailure, UnexpectedMessage) as error:
            self._error = error
        except (Exception, asyncio.CancelledError, SystemExit) as error:
            # Who raises before it has received, as Django does, says that it knows no lifespan.
            if self._status in (_State.CONNECTING, _State.UNSUPPORTED):
                logger.info("The app does not serve the lifespan protocol: %r", error)
            else:
                # Mangum's words: metric filters and alarms look for them.
                logger.exception("Exception in 'lifespan' protocol.")
        finally:
            self._started.set()
            self._stopped.set()

    async def _receive(self) -> Message:
        if self._status is _State.CONNECTING:
            self._status = _State.STARTUP
        elif self._status is _State.STARTUP:
            self._status = _State.SHUTDOWN
        return await self._inbox.get()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if self._status is _State.CONNECTING:
            if self._insists:
                raise LifespanFailure("The app sent in its lifespan before it received.")
            self._status = _State.UNSUPPORTED
            raise LifespanUnsupported("The app sent in its lifespan before it received.")
        if kind not in _ANSWERS:
            self._status = _State.FAILED
            raise UnexpectedMessage(f"Unexpected '{kind}' event received.")
        phase = {_State.STARTUP: "startup", _State.SHUTDOWN: "shutdown"}.get(self._status)
        if kind == f"lifespan.{phase}.complete":
            self._answered.set()
        elif kind == f"lifespan.{phase}.failed":
            answered = self._answered
            self._status = _State.FAILED
            answered.set()
            raise LifespanFailure(f"Lifespan {phase} failure. {message.get('message', '')}")

    @property
    def _answered(self) -> asyncio.Event:
        return self._started if self._status is _State.STARTUP else self._stopped
