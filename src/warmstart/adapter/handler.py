"""`ASGIHandler`: a Lambda handler made from an ASGI app.

Under AWS's own runtime the handler is a function that returns the answer, so
the exchange keeps it until the app has finished. A runtime that knows
`NativeHandler` passes an exchange that posts the answer when it is complete,
or as it comes. All else is the same for both, and is done in `invocations.py`.
"""

from __future__ import annotations

from warmstart.adapter.dispatch import EventHandlers, UnhandledEvent
from warmstart.adapter.returned import ReturnedAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any, Literal

    from warmstart.adapter.asgi import ASGIApp
    from warmstart.adapter.connections import Connections
    from warmstart.adapter.dispatch import F, Predicate
    from warmstart.adapter.events_path import EventsPath
    from warmstart.adapter.exchange import Exchange
    from warmstart.adapter.lifespan import LifespanMode
    from warmstart.events.http import HTTPResponse

__all__ = ["ASGIHandler", "UnhandledEvent"]


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
        if not websocket_path.startswith("/"):
            raise ValueError(f"websocket_path={websocket_path!r}: must begin with '/'.")
        # With these comes asyncio: now, while the environment starts, for an invocation
        # may have but a fraction of the CPU that the start has.
        from warmstart.adapter.invocations import Invocations
        from warmstart.adapter.serving import HTTPAdapter

        self.app = app
        path = None if events_path is None else _events_path(app, events_path)
        self._events = EventHandlers(path)
        http = HTTPAdapter(
            app,
            base_path=base_path,
            on_error=on_error,
            is_text=is_text,
            exclude_headers=frozenset(name.lower().encode("latin-1") for name in exclude_headers),
            refuses=None if path is None else path.covers,
        )
        self._invocations = Invocations(
            app,
            http,
            self._events,
            lifespan=lifespan,
            lifespan_per=lifespan_per,
            deadline_margin=deadline_margin,
            connections=connections,
            websocket_path=websocket_path,
        )

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
                mapping must have `ReportBatchItemFailures` for that, and no tumbling
                window.
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
        return self._invocations.state

    @property
    def connections(self) -> Connections:
        """Sends to WebSocket connections, from anywhere: an HTTP route, an event's function."""
        return self._invocations.connections

    def __call__(self, event: Any, context: Any) -> Any:
        """Serve one invocation and return the answer, as AWS's own runtime wants it."""
        answer = ReturnedAnswer()
        self._invocations.serve_invocation(event, context, answer)
        return answer.result

    # `NativeHandler`.

    def start_environment(self) -> None:
        self._invocations.start_environment()

    def serve_invocation(self, event: Any, context: Any, exchange: Exchange) -> None:
        self._invocations.serve_invocation(event, context, exchange)

    def stop_environment(self) -> None:
        self._invocations.stop_environment()

    async def start(self) -> None:
        await self._invocations.start()

    async def serve(self, event: Any, context: Any, exchange: Exchange) -> None:
        await self._invocations.serve(event, context, exchange)

    async def stop(self) -> None:
        await self._invocations.stop()


def _events_path(app: ASGIApp, path: str) -> EventsPath:
    from warmstart.adapter.events_path import EventsPath

    return EventsPath(app, path)


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: must be one of {', '.join(map(repr, allowed))}.")
