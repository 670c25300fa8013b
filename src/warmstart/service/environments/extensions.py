"""The extensions of one environment: their registry, and the events that they wait for.

An extension asks for its next event and waits (`next`). INIT and each invocation
are over only when every extension has asked: whoever has to wait for that leaves
a call to be made then (`when_ready`). When the runtime is started anew, so are
the extensions (`begin`): what the old ones still ask for is refused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from warmstart.service.environments.extension import (
    INVOKE,
    SHUTDOWN,
    Extension,
    Registry,
    State,
)
from warmstart.service.errors import Fault
from warmstart.service.invocation import Invocation
from warmstart.service.telemetry import ExtensionInit, Source

__all__ = ["Extensions"]


class Extensions:
    """What an environment knows of its extensions.

    Where many invocations run at once (`invoke` false) none is told of them.
    `invoked` is those that get an event for each invocation, which most
    environments have none of; `failed` is set if one is gone before its runtime is there.
    """

    def __init__(self, *, invoke: bool = True) -> None:
        self._events = (INVOKE, SHUTDOWN) if invoke else (SHUTDOWN,)
        self.begin()

    def begin(self) -> None:
        """Forget all; a new runtime is about to be started, and with it new extensions."""
        self.registry = Registry(self._events)
        self.invoked: list[Extension] = []
        self._polls: dict[Extension, asyncio.Future[bytes | None]] = {}
        self._shutdown: bytes | None = None
        self._ready: Callable[[], None] | None = None
        self.failed: Fault | None = None
        self._registered: asyncio.Future[None] | None = None
        self._fatal: str | None = None

    # What they ask for

    def register(self, name: str, events: Sequence[str]) -> Extension:
        """`POST extension/register`. Raises `Refusal`."""
        extension = self.registry.register(name, events)
        if INVOKE in extension.events:
            self.invoked.append(extension)
        if self.registry.all_registered:
            self._end_registration()
        return extension

    async def next(self, identifier: str | None) -> bytes | None:
        """`GET extension/event/next`: wait for an event. `None`: there will be none any more.

        Raises:
            Refusal: it is not this extension's turn.
        """
        extension = self.registry.find(identifier)
        extension.move(State.READY)
        poll: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._polls[extension] = poll
        if self._shutdown is not None and SHUTDOWN in extension.events:
            self._send(extension, self._shutdown)
        elif self._ready is not None and self.registry.all_ready:
            ready, self._ready = self._ready, None
            ready()
        return await poll

    def init_error(self, identifier: str | None, error_type: str) -> None:
        """`POST extension/init/error`: it should exit now. Raises `Refusal`."""
        self.registry.find(identifier).move(State.INIT_ERROR, error_type)
        self._fatal = self._fatal or "Extension.InitError"

    def exit_error(self, identifier: str | None, error_type: str) -> None:
        """`POST extension/exit/error`: the same. Raises `Refusal`."""
        self.registry.find(identifier).move(State.EXIT_ERROR, error_type)
        self._fatal = self._fatal or "Extension.ExitError"

    def cause(self, fault: Fault) -> Fault:
        """`fault` is that a process has ended: by what an extension said before, if it did."""
        if self._fatal is None:
            return fault
        return Fault(self._fatal, fault.message)

    # What the environment does

    async def wait_registered(self) -> Fault | None:
        """Return when all that were started have registered; or why they will not."""
        if self.failed is None and not self.registry.all_registered:
            self._registered = asyncio.get_running_loop().create_future()
            await self._registered
        return self.failed

    def fail(self, fault: Fault) -> None:
        """There will be no runtime with all its extensions; `fault` is why, unless it is known."""
        self.failed = self.failed or fault
        self._end_registration()

    def _end_registration(self) -> None:
        if self._registered is not None and not self._registered.done():
            self._registered.set_result(None)

    def when_ready(self, call: Callable[[], None]) -> None:
        """Make a call once every extension has asked for its next event."""
        self._ready = call

    def invoke(self, invocation: Invocation[Any], deadline_ms: int) -> None:
        """Tell of an invocation, which is then over only when those that are told are done."""
        event = {
            "eventType": INVOKE,
            "deadlineMs": deadline_ms,
            "requestId": invocation.request_id,
            "invokedFunctionArn": invocation.arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id},
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        for extension in self.invoked:
            if extension.state is State.READY:
                self._send(extension, body)

    def shutdown(self, reason: str, deadline_ms: int) -> None:
        """Tell of the end. Those who do not wait yet hear of it when they ask."""
        event = {"eventType": SHUTDOWN, "deadlineMs": deadline_ms, "shutdownReason": reason}
        self._shutdown = json.dumps(event, separators=(",", ":")).encode()
        self._ready = None
        for extension in self.registry.subscribers(SHUTDOWN):
            if extension.state is State.READY:
                self._send(extension, self._shutdown)

    def _send(self, extension: Extension, event: bytes) -> None:
        extension.move(State.RUNNING)
        poll = self._polls.pop(extension)
        if not poll.done():
            poll.set_result(event)

    def stop_waiting(self) -> None:
        """Whatever was to be done once all are ready is not to be done any more."""
        self._ready = None

    def refuse_polls(self) -> None:
        """Whoever waits for an event gets none."""
        for poll in self._polls.values():
            if not poll.done():
                poll.set_result(None)
        self._polls.clear()

    def reports(self, time: float, source: Source) -> list[ExtensionInit]:
        """What is to be said of each when INIT is over, or has failed."""
        return [
            ExtensionInit(time, source, each.name, each.state.value, each.events, each.error_type)
            for each in self.registry
        ]
