"""One request through an app, its response collected.

    REQUEST ── response.start ──▶ STARTED ── body, more_body=False ──▶ COMPLETE

What the app raises before its response is complete becomes a 500, whatever it
is (a `sys.exit` too), except Ctrl-C. The answer waits until the app returns, so
background work is done by then.
"""

from __future__ import annotations

import asyncio
import logging

from warmstart.adapter.http import ResponseStage
from warmstart.compat.mangum.exceptions import UnexpectedMessage
from warmstart.compat.mangum.types import ASGI, Headers, Message, Response, Scope

__all__ = ["HTTPCycle"]

logger = logging.getLogger("mangum.http")


class HTTPCycle:
    """The `receive` and `send` of one request."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        self._scope = scope
        self._request: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }
        self._stage = ResponseStage.REQUEST
        self._status = 0
        self._headers: Headers = []
        self._chunks: list[bytes] = []
        self._complete = asyncio.Event()

    async def run(self, app: ASGI) -> Response:
        """Call the app and return its response, or the one that stands for its failure."""
        try:
            await app(self._scope, self._receive, self._send)
        except (Exception, asyncio.CancelledError, SystemExit):
            # Mangum's words: metric filters and alarms look for them.
            logger.exception("An error occurred running the application.")
        else:
            if self._stage is not ResponseStage.COMPLETE:
                logger.error("The app returned without a complete response.")
        if self._stage is not ResponseStage.COMPLETE:
            return {
                "status": 500,
                "headers": [[b"content-type", b"text/plain; charset=utf-8"]],
                "body": b"Internal Server Error",
            }
        return {"status": self._status, "headers": self._headers, "body": b"".join(self._chunks)}

    async def _receive(self) -> Message:
        if self._request is not None:
            request, self._request = self._request, None
            return request
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start" and self._stage is ResponseStage.REQUEST:
            self._status = message["status"]
            self._headers = message.get("headers", [])
            self._stage = ResponseStage.STARTED
        elif kind == "http.response.body" and self._stage is ResponseStage.STARTED:
            self._chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._end()
        else:
            raise UnexpectedMessage(f"Unexpected {kind}")

    def _end(self) -> None:
        self._stage = ResponseStage.COMPLETE
        self._complete.set()
        logger.info("%s %s %s", self._scope["method"], self._scope["path"], self._status)
