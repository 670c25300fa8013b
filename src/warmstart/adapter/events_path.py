"""Events as HTTP requests: POSTed to one path of the app, which nobody outside may call.

The guard must refuse every spelling of that path that any app may understand,
and it cannot know how the app reads its paths: whether it decodes or normalises
them once more, or mounts its routes a second time under a prefix (FastAPI's
`root_path`, Django's `FORCE_SCRIPT_NAME`, a mounted sub-application). So it
compares the segments of the path in their plainest form, and refuses a request
in whose path the segments of the events' path occur in a row, wherever that is.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any
from urllib.parse import quote, unquote

from warmstart.adapter.asgi import ASGIApp
from warmstart.adapter.calls import EventCancelled
from warmstart.adapter.deadline import Deadline
from warmstart.adapter.exchange import Exchange
from warmstart.adapter.http import HTTPCycle, ResponseStage
from warmstart.adapter.results import respond
from warmstart.adapter.scope import http_scope
from warmstart.adapter.serving import IncompleteResponse
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse
from warmstart.events.source import Source

__all__ = ["EventRefused", "EventsPath"]

logger = logging.getLogger("warmstart")


class EventRefused(RuntimeError):
    """The app did not take an event. `status` is that of its response."""

    def __init__(self, path: str, status: int, text: str) -> None:
        super().__init__(f"The app answered {status} to the event at {path}: {text[:1000]}")
        self.status = status


class EventsPath:
    """The path of the app that takes events.

    Args:
        app: The ASGI application.
        path: The path, as the app's route has it.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._segments = _segments(path)
        if not path.startswith("/") or not self._segments:
            raise ValueError(f"events_path={path!r}: must begin with '/' and name a path below it.")
        self._app = app
        self._path = path

    def covers(self, request: HTTPRequest) -> bool:
        """Whether a request from outside may be one for this path, or for one below it."""
        for path in (request.path, request.raw_path.decode("latin-1")):
            segments = _segments(path)
            if self._within(segments) or self._within(_resolved(segments)):
                logger.warning("Refused %s %s: events_path keeps it.", request.method, path)
                return True
        return False

    def _within(self, segments: list[str]) -> bool:
        count = len(self._segments)
        return any(
            segments[start : start + count] == self._segments
            for start in range(len(segments) - count + 1)
        )

    async def serve(
        self,
        source: Source,
        event: Any,
        context: Any,
        exchange: Exchange,
        *,
        state: dict[str, Any],
        deadline: Deadline,
    ) -> None:
        """POST `event` to the app and answer with what it returns, as soon as that is complete.

        Raises:
            EventRefused: the status of the app's response is not 2xx.
            EventCancelled: the deadline came before the response.
            IncompleteResponse: the app returned without a whole response.
            Exception: what the app raised, if it did not answer the event before.
        """
        request = _request(self._path, source, event)
        front = _ResultFront(exchange)
        cycle = HTTPCycle(request.body, front)
        try:
            await cycle.run(self._app, http_scope(request, event, context, state))
        except (Exception, asyncio.CancelledError) as error:
            deadline.reclaim(error)
            if front.answered:
                logger.error("The app failed after it had answered an event.", exc_info=error)
                return
            if isinstance(error, asyncio.CancelledError):
                whose = "the deadline" if deadline.passed else "its own doing"
                raise EventCancelled(
                    f"The app did not answer the event: cancelled by {whose}."
                ) from error
            raise
        if cycle.stage is not ResponseStage.COMPLETE:
            raise IncompleteResponse("The app returned without a whole response to the event.")
        if front.error is not None:
            raise front.error
        if not front.answered:
            text = front.response.body.decode("utf-8", "replace")
            raise EventRefused(self._path, front.response.status, text)


class _ResultFront:
    """Collects the response to an event; a good one answers the invocation at once.

    The app's `send` is no place to raise what is no fault of the app's message,
    so a result that cannot be posted is kept as `error`.
    """

    committed = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._chunks: list[bytes] = []
        self.answered = False
        self.error: Exception | None = None

    def start(self, status: int, headers: Headers) -> None:
        self.response = HTTPResponse(status, headers)

    async def body(self, data: bytes, more: bool) -> None:
        self._chunks.append(data)
        if more:
            return
        self.response.body = b"".join(self._chunks)
        if not 200 <= self.response.status < 300:  # a redirect handled nothing, either
            return
        try:
            await respond(self._exchange, _result(self.response))
            self.answered = True
        except Exception as error:  # noqa: BLE001 - raised when the app has returned
            self.error = error

    def watch(self) -> None:
        return None


def _request(path: str, source: Source, event: Any) -> HTTPRequest:
    body = json.dumps(event).encode()
    return HTTPRequest(
        method="POST",
        path=path,
        raw_path=quote(path).encode("ascii"),
        headers=[
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-warmstart-source", source.encode("ascii")),
        ],
        body=body,
        server=("localhost", 443),
    )


def _result(response: HTTPResponse) -> Any:
    """The JSON value that the app sent, or its text; None if it sent nothing."""
    if not response.body:
        return None
    text = response.body.decode("utf-8", "replace")
    content_type = dict(response.headers).get(b"content-type", b"").lower()
    media_type = content_type.partition(b";")[0].strip()
    if media_type == b"application/json" or media_type.endswith(b"+json"):
        try:
            return json.loads(text)
        except ValueError:
            logger.warning("The app's answer to an event says that it is JSON, and is not.")
    return text


def _segments(path: str) -> list[str]:
    """The segments of `path` in their plainest form.

    Of two paths that share it, an app may take one for the other.
    """
    while "%" in path and (decoded := unquote(path)) != path:
        path = decoded
    plain = (
        segment.partition(";")[0].strip()
        for segment in path.casefold().replace("\\", "/").split("/")
    )
    return [segment for segment in plain if segment not in ("", ".")]


def _resolved(segments: list[str]) -> list[str]:
    """`segments` without `..`, each of which takes back the one before it."""
    resolved: list[str] = []
    for segment in segments:
        if segment != "..":
            resolved.append(segment)
        elif resolved:
            resolved.pop()
    return resolved
