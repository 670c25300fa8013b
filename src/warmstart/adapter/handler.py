"""`ASGIHandler`: a Lambda handler made from an ASGI app.

    event ─▶ format.decode_event ─▶ scope ─▶ HTTPCycle(app) ─▶ front ─▶ exchange ─▶ runtime

Under AWS's own runtime the handler is a function that returns the answer, so
the exchange keeps it until the app has finished. A runtime that knows
`NativeHandler` passes an exchange that posts the answer when it is complete,
or as it comes. All else is the same for both.

The app's lifespan starts with the environment where the runtime tells when that
is, and before the first invocation where it does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextvars import ContextVar
from typing import Any, Literal

from warmstart.adapter.asgi import ASGIApp
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.dispatch import EventHandlers, F, Predicate, UnhandledEvent
from warmstart.adapter.exchange import Exchange
from warmstart.adapter.formats import http_format
from warmstart.adapter.lifespan import Lifespan, LifespanFailed, LifespanMode
from warmstart.adapter.loop import InvocationLoop
from warmstart.adapter.results import respond
from warmstart.adapter.returned import ReturnedAnswer
from warmstart.adapter.serving import HTTPAdapter
from warmstart.events.http import HTTPResponse
from warmstart.events.source import Source, detect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.adapter.api_gateway import APIGatewayConnections
    from warmstart.adapter.connections import Connections
    from warmstart.adapter.dispatch import EventServer
    from warmstart.adapter.events_path import EventsPath
    from warmstart.adapter.websocket_serving import WebSocketAdapter

__all__ = ["ASGIHandler", "UnhandledEvent"]

# What the lifespan of the invocation under way left in its state.
_state: ContextVar[dict[str, Any]] = ContextVar("warmstart_state")


class ASGIHandler:
    """A Lambda handler that serves an ASGI application.

        handler = ASGIHandler(app)

    Args:
        app: The ASGI 3.0 application.
        lifespan: "auto" runs the app's lifespan if it has one, "on" insists on
            one, "off" never runs it.
        lifespan_per: "environment" runs it once, before the first request;
            "invocation" around each one.
        base_path: The path under which a custom domain maps to this function;
            it becomes the scope's `root_path` on requests that begin with it, and
            on those from which the front door has taken it off.
        on_error: What an exception of the app becomes when nothing has been
            sent yet: "respond" answers 500 and logs it, "raise" lets the
            invocation fail, so that metrics and retries see it. An app's own
            answer of 500 or more then waits for the end of the app, which may
            raise after it, as Starlette does.
        deadline_margin: Seconds before the function's time-out at which the app
            is cancelled and 504 is answered. None leaves it to Lambda.
        is_text: Tells from a response whether its body travels as text; the
            rest goes as base64. The default is `warmstart.events.body.is_text`.
        exclude_headers: Names of response headers that are left out.
        events_path: A path of the app to which events are POSTed that are not
            HTTP and that no function is registered for. From outside it is refused.
        connections: Sends to the clients of WebSocket connections. The default
            is `warmstart.adapter.api_gateway.APIGatewayConnections()`.
        websocket_path: The path of the scopes of WebSocket connections, which
            have none of their own.
    """

    def __init__(  # noqa: PLR0913 - each is a choice of the user's, by name
        self,
        app: ASGIApp,
        *,
        lifespan: LifespanMode = "auto",
        lifespan_per: Literal["environment", "invocation"] = "environment",
        base_path: str = "",
        on_error: Literal["respond", "raise"] = "respond",
        deadline_margin: float | None = 0.25,
        is_text: Callable[[HTTPResponse], bool] | None = None,
        exclude_headers: Collection[str] = (),
        events_path: str | None = None,
        connections: Connections | None = None,
        websocket_path: str = "/",
    ) -> None:
        if not callable(app):
            raise TypeError(f"ASGIHandler wants an ASGI application, got {app!r}.")
        _require("lifespan", lifespan, ("auto", "on", "off"))
        _require("lifespan_per", lifespan_per, ("environment", "invocation"))
        _require("on_error", on_error, ("respond", "raise"))
        self.app = app
        self._lifespan_mode = lifespan
        self._lifespan_per = lifespan_per
        self._deadline_margin = deadline_margin
        self._on_error = on_error
        path = None if events_path is None else _events_path(app, events_path)
        self._events = EventHandlers(path)
        self._http = HTTPAdapter(
            app,
            base_path=base_path,
            on_error=on_error,
            is_text=is_text,
            exclude_headers=frozenset(name.lower().encode("latin-1") for name in exclude_headers),
            refuses=None if path is None else path.covers,
        )
        if not websocket_path.startswith("/"):
            raise ValueError(f"websocket_path={websocket_path!r}: must begin with '/'.")
        self._websocket_path = websocket_path
        self._connections = connections
        self._own_connections: APIGatewayConnections | None = None
        self._sockets: WebSocketAdapter | None = None
        self._lifespan: Lifespan | None = None
        self._loop: InvocationLoop | None = None

    def on(
        self,
        *which: str | Predicate,
        each: Literal["event", "record"] = "event",
        concurrency: int = 1,
    ) -> Callable[[F], F]:
        """Register a function, sync or async, for events that are not HTTP.

            @handler.on("s3")
            def index(event, context): ...

        Its result is the invocation's result, its exception the invocation's error.

        Args:
            which: Names of sources (the values of `warmstart.events.source.Source`),
                or predicates, which are asked of events that no name is registered for.
            each: "record" calls the function with each record of an SQS, Kinesis
                or DynamoDB batch, and reports those that failed. The event source
                mapping must have `ReportBatchItemFailures` for that.
            concurrency: How many records of an SQS batch an async function may
                have under way at a time; of a FIFO queue, how many groups.

        Raises:
            ValueError: no such source, or it has a function already.
        """
        return self._events.on(*which, each=each, concurrency=concurrency)

    @property
    def state(self) -> dict[str, Any]:
        """What the app's lifespan left in `scope["state"]`, for the functions of events.

        Raises:
            RuntimeError: the lifespan has not run.
        """
        if (state := _state.get(None)) is not None:
            return state
        if self._lifespan is None:
            raise RuntimeError("The app's lifespan has not run yet: it has left no state.")
        return self._lifespan.state

    @property
    def connections(self) -> Connections:
        """Sends to WebSocket connections, from anywhere: an HTTP route, an event's function."""
        if self._connections is None:
            from warmstart.adapter.api_gateway import APIGatewayConnections

            self._connections = self._own_connections = APIGatewayConnections()
        return self._connections

    def __call__(self, event: Any, context: Any) -> Any:
        """Serve one invocation and return the answer, as AWS's own runtime wants it."""
        answer = ReturnedAnswer()
        self.serve_invocation(event, context, answer)
        return answer.result

    # A runtime's calls, one at a time, on a loop of the handler's own.

    def start_environment(self) -> None:
        self._run(self.start())

    def serve_invocation(self, event: Any, context: Any, exchange: Exchange) -> None:
        deadline = Deadline(context, self._deadline_margin)
        self._run(self._serve(event, context, exchange, deadline), deadline)

    def stop_environment(self) -> None:
        if self._loop is not None:
            self._run(self.stop())
            self._loop.close()
            self._loop = None

    def _run(self, coroutine: Coroutine[Any, Any, None], deadline: Deadline | None = None) -> None:
        if self._loop is None:
            self._loop = InvocationLoop()
        self._loop.run(coroutine, deadline.arm if deadline is not None else None)

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
        sockets, self._sockets = self._sockets, None
        if sockets is not None:
            await sockets.stop()
        if self._own_connections is not None:
            self._own_connections.shutdown()
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.stop()

    async def _begin_life(self) -> Lifespan:
        lifespan = Lifespan(self.app, self._lifespan_mode)
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
        if self._sockets is None:
            from warmstart.adapter.websocket_serving import WebSocketAdapter

            self._sockets = WebSocketAdapter(
                self.app,
                self.connections,
                path=self._websocket_path,
                raises=self._on_error == "raise",
            )
        return self._sockets

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


def _events_path(app: ASGIApp, path: str) -> EventsPath:
    from warmstart.adapter.events_path import EventsPath

    return EventsPath(app, path)


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: must be one of {', '.join(map(repr, allowed))}.")
