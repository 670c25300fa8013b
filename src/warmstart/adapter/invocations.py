"""The invocations of one environment: the app's life around them, and what serves each.

    event ─▶ format.decode_event ─▶ scope ─▶ HTTPCycle(app) ─▶ front ─▶ exchange ─▶ runtime

The app's lifespan starts with the environment where the runtime tells when that
is, and before the first invocation where it does not.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any, Literal

from warmstart.adapter.asgi import ASGIApp
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.dispatch import EventHandlers
from warmstart.adapter.exchange import Exchange
from warmstart.adapter.formats import http_format
from warmstart.adapter.lifespan import Lifespan, LifespanFailed, LifespanMode
from warmstart.adapter.loop import InvocationLoop
from warmstart.adapter.results import respond
from warmstart.adapter.serving import HTTPAdapter
from warmstart.events.source import Source, detect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.adapter.api_gateway import APIGatewayConnections
    from warmstart.adapter.connections import Connections
    from warmstart.adapter.dispatch import EventServer
    from warmstart.adapter.websocket_serving import WebSocketAdapter

__all__ = ["Invocations"]

# What the lifespan of the invocation under way left in its state.
_state: ContextVar[dict[str, Any]] = ContextVar("warmstart_state")


class Invocations:
    """Serves the events of one environment. `ASGIHandler` says what the arguments mean.

    `sockets` serves WebSocket events, once there has been one.
    """

    def __init__(
        self,
        app: ASGIApp,
        http: HTTPAdapter,
        events: EventHandlers,
        *,
        lifespan: LifespanMode,
        lifespan_per: Literal["environment", "invocation"],
        deadline_margin: float | None,
        connections: Connections | None,
        websocket_path: str,
    ) -> None:
        self._app = app
        self._http = http
        self._events = events
        self._lifespan_mode = lifespan
        self._lifespan_per = lifespan_per
        self._deadline_margin = deadline_margin
        self._connections = connections
        self._websocket_path = websocket_path
        self._own_connections: APIGatewayConnections | None = None
        self.sockets: WebSocketAdapter | None = None
        self._lifespan: Lifespan | None = None
        self._loop: InvocationLoop | None = None

    @property
    def state(self) -> dict[str, Any]:
        """See `ASGIHandler.state`."""
        if (state := _state.get(None)) is not None:
            return state
        if self._lifespan is None:
            raise RuntimeError("The app's lifespan has not run yet: it has left no state.")
        return self._lifespan.state

    @property
    def connections(self) -> Connections:
        """See `ASGIHandler.connections`."""
        if self._connections is None:
            from warmstart.adapter.api_gateway import APIGatewayConnections

            self._connections = self._own_connections = APIGatewayConnections()
        return self._connections

    # A runtime's calls, one at a time, on a loop of the handler's own.

    def start_environment(self) -> None:
        loop = self._loop or self._make_loop()
        loop.run(self.start())

    def serve_invocation(self, event: Any, context: Any, exchange: Exchange) -> None:
        deadline = Deadline(context, self._deadline_margin)
        loop = self._loop or self._make_loop()
        loop.run(self._serve(event, context, exchange, deadline), deadline.arm)

    def stop_environment(self) -> None:
        if self._loop is not None:
            self._loop.run(self.stop())
            self._loop.close()
            self._loop = None

    def _make_loop(self) -> InvocationLoop:
        self._loop = InvocationLoop()
        return self._loop

    # The same on a loop that runs already.

    async def start(self) -> None:
        if self._lifespan_per == "environment":
            self._lifespan = await self._begin_life()

    async def serve(self, event: Any, context: Any, exchange: Exchange) -> None:
        deadline = Deadline(context, self._deadline_margin)
        task = asyncio.current_task()
        assert task is not None  # what runs on a loop runs in a task
        timer = deadline.arm(asyncio.get_running_loop(), task)
        try:
            await self._serve(event, context, exchange, deadline)
        finally:
            if timer is not None:
                timer.cancel()

    async def stop(self) -> None:
        sockets, self.sockets = self.sockets, None
        if sockets is not None:
            await sockets.stop()
        if self._own_connections is not None:
            self._own_connections.shutdown()
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.stop()

    async def _begin_life(self) -> Lifespan:
        lifespan = Lifespan(self._app, self._lifespan_mode)
        await lifespan.start()
        return lifespan

    async def _serve(
        self, event: Any, context: Any, exchange: Exchange, deadline: Deadline
    ) -> None:
        source = detect(event)
        wire = http_format(source)
        server = None if wire is not None else self._server(source, event)
        if wire is None and server is None:
            await respond(exchange, None)
            return
        lifespan = self._lifespan or await self._begin_life_in_time(deadline)
        state = lifespan.state
        try:
            if wire is not None:
                await self._http.serve(
                    wire, event, context, exchange, state=state, deadline=deadline
                )
            else:
                assert server is not None  # a warm-up ping has been answered
                token = _state.set(state)
                try:
                    await server.serve(
                        source, event, context, exchange, state=state, deadline=deadline
                    )
                finally:
                    _state.reset(token)
        finally:
            if self._lifespan_per == "invocation":
                await lifespan.stop()

    def _server(self, source: Source, event: Any) -> EventServer | None:
        """What serves an event that is not HTTP; None for a warm-up ping."""
        if source is not Source.WEBSOCKET:
            return self._events.find(source, event)
        if self._lifespan_per == "invocation":
            raise RuntimeError(
                "A WebSocket connection outlives its invocations, and its lifespan must, too: "
                'it needs lifespan_per="environment".'
            )
        if self.sockets is None:
            from warmstart.adapter.websocket_serving import WebSocketAdapter

            self.sockets = WebSocketAdapter(
                self._app,
                self.connections,
                path=self._websocket_path,
                raises=self._http.raises,
            )
        return self.sockets

    async def _begin_life_in_time(self, deadline: Deadline) -> Lifespan:
        try:
            lifespan = await self._begin_life()
        except asyncio.CancelledError:
            if deadline.passed:
                raise LifespanFailed(
                    "The app's lifespan startup did not end before the function's time-out."
                ) from None
            raise
        if self._lifespan_per == "environment":
            self._lifespan = lifespan
            if self._loop is not None and lifespan.stoppable:
                # A runtime that has not told of the beginning will not tell of the end.
                from warmstart.adapter.sigterm import stop_on_sigterm

                stop_on_sigterm(self.stop_environment, self._is_idle)
        return lifespan

    def _is_idle(self) -> bool:
        return self._loop is None or self._loop.idle
