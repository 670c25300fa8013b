"""One HTTP event from its JSON to its answer, whatever the app does in between.

What an app's failure becomes depends on how far its response is:

    response            exception                       deadline passed
    nothing sent yet    500, or the invocation fails    504
    streaming           the stream ends as broken       the stream ends as broken
    complete            logged: the client has it all   logged

A complete answer of 500 or more counts as not sent yet where exceptions fail the
invocation; after the deadline it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal

from warmstart.adapter.asgi import ASGIApp
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.exchange import Exchange
from warmstart.adapter.fronts import BufferedFront, Front, HoldingFront, StreamingFront
from warmstart.adapter.http import TRANSPORTS_OWN, HTTPCycle, ResponseStage
from warmstart.adapter.scope import http_scope
from warmstart.events.errors import MalformedEvent
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.paths import mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.adapter.formats import HTTPFormat

__all__ = ["HTTPAdapter", "IncompleteResponse"]

logger = logging.getLogger("warmstart")


class IncompleteResponse(RuntimeError):
    """The app returned without a response, or in the middle of one."""


class HTTPAdapter:
    """Serves HTTP events with an app. `ASGIHandler` says what the arguments mean.

    `raises` tells whether exceptions of the app fail the invocation.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_path: str,
        on_error: Literal["respond", "raise"],
        is_text: Callable[[HTTPResponse], bool] | None,
        exclude_headers: frozenset[bytes],
        refuses: Callable[[HTTPRequest], bool] | None = None,
    ) -> None:
        self._app = app
        self._base_path = base_path
        self.raises = on_error == "raise"
        self.build_options = {} if is_text is None else {"is_text": is_text}
        self._dropped = exclude_headers | TRANSPORTS_OWN
        self._refuses = refuses

    async def serve(
        self,
        wire: HTTPFormat,
        event: Any,
        context: Any,
        exchange: Exchange,
        *,
        state: dict[str, Any],
        deadline: Deadline,
    ) -> None:
        """Serve `event`, an event of the format `wire`.

        Raises:
            Exception: what the app raised, if nothing was sent and `on_error` is "raise".
            SystemExit, KeyboardInterrupt: as the app raised them, always.
        """
        answer = _Answer(self, wire, event, exchange)
        try:
            request = wire.decode_event(event)
        except MalformedEvent as error:
            await answer.plainly(400, f"The event cannot be read: {error}")
            return
        if self._base_path:
            mount(request, self._base_path)
        answer.omit_body = request.method == "HEAD"
        if self._refuses is not None and self._refuses(request):
            await answer.plainly(403, "Forbidden")
            return
        front = answer.front()
        holding = HoldingFront(front) if self.raises else None
        cycle = HTTPCycle(request.body, holding or front, self._dropped)
        try:
            await cycle.run(self._app, http_scope(request, event, context, state))
            if cycle.stage is not ResponseStage.COMPLETE and not cycle.gone:
                raise IncompleteResponse(_INCOMPLETE[cycle.stage])
            if holding is not None:
                await holding.release()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - each kind is settled
            deadline.reclaim(error)
            await self._settle(error, cycle, answer, deadline)

    async def _settle(
        self, error: BaseException, cycle: HTTPCycle, answer: _Answer, deadline: Deadline
    ) -> None:
        """Do what the table above says about `error`."""
        if cycle.stage is ResponseStage.COMPLETE:
            if isinstance(cycle.front, HoldingFront) and cycle.front.holds:
                if not deadline.passed:
                    raise error
                await cycle.front.release()
            what = "ran into the deadline" if deadline.passed else "failed"
            logger.error("The app's work after its response %s.", what, exc_info=error)
        elif cycle.front.committed:
            logger.error("The app failed in the middle of its response.", exc_info=error)
            await answer.exchange.fail(error)
        elif deadline.passed:
            logger.error("The app did not answer before the deadline.", exc_info=error)
            await answer.plainly(504, "Gateway Timeout")
        elif self.raises:
            raise error
        else:
            logger.error("The app failed.", exc_info=error)
            await answer.plainly(500, "Internal Server Error")


class _Answer:
    """Opens the fronts of one event: for the app's response, or for one of our own in its place."""

    __slots__ = ("_event", "_options", "_wire", "exchange", "omit_body")

    def __init__(
        self, adapter: HTTPAdapter, wire: HTTPFormat, event: Any, exchange: Exchange
    ) -> None:
        self.exchange = exchange
        self.omit_body = False
        self._wire = wire
        self._event = event
        self._options = adapter.build_options

    def front(self) -> Front:
        if self.exchange.streaming and self._wire.STREAMS:
            return StreamingFront(self.exchange, omit_body=self.omit_body)
        return BufferedFront(self.exchange, self._build, omit_body=self.omit_body)

    async def plainly(self, status: int, text: str) -> None:
        """Answer with a line of text."""
        body = text.encode("utf-8", "backslashreplace")
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
        ]
        front = self.front()
        front.start(status, headers)
        await front.body(body, False)

    def _build(self, response: HTTPResponse) -> Any:
        return self._wire.build_response(response, self._event, **self._options)


_INCOMPLETE = {
    ResponseStage.REQUEST: "The app returned without sending a response.",
    ResponseStage.STARTED: "The app returned before its response was complete.",
}
