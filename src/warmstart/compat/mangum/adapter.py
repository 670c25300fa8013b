"""`Mangum`: one invocation from its event to the answer.

    infer ─▶ handler.scope, handler.body ─▶ startup ─▶ app ─▶ handler(response) ─▶ shutdown

The handler's own code runs between runs of the event loop, never inside one:
a custom handler may run a loop of its own.
"""

from __future__ import annotations

import logging
from itertools import chain
from typing import Any

from warmstart.compat.mangum.exceptions import ConfigurationError
from warmstart.compat.mangum.handlers import ALB, APIGateway, HTTPGateway, LambdaAtEdge
from warmstart.compat.mangum.http import HTTPCycle
from warmstart.compat.mangum.lifespan import LifespanCycle
from warmstart.compat.mangum.loops import LoopChoice
from warmstart.compat.mangum.types import (
    ASGI,
    LambdaConfig,
    LambdaContext,
    LambdaEvent,
    LambdaHandler,
    LifespanMode,
    Response,
)
from warmstart.events.errors import MalformedEvent

__all__ = ["DEFAULT_TEXT_MIME_TYPES", "HANDLERS", "Mangum"]

logger = logging.getLogger("mangum")

HANDLERS: list[type[LambdaHandler]] = [ALB, HTTPGateway, APIGateway, LambdaAtEdge]

DEFAULT_TEXT_MIME_TYPES: list[str] = [
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "application/vnd.api+json",
    "application/vnd.oai.openapi",
]


class Mangum:
    """A Lambda handler that serves an ASGI application the way Mangum 0.22 does.

    Args:
        app: The ASGI 3.0 application.
        lifespan: "auto" and "on" run the app's lifespan around each invocation
            and go on without if it has none; "off" never runs it.
        api_gateway_base_path: Cut off the front of an API Gateway event's path,
            by whole segments.
        custom_handlers: Handler classes that are asked before those built in.
        text_mime_types: Parts of a content type that make a body text; all
            else goes as base64. They take the place of `DEFAULT_TEXT_MIME_TYPES`.
        exclude_headers: Names of response headers that are left out, except
            from an HTTP API's and a Function URL's responses.

    Raises:
        ConfigurationError: no such `lifespan`.
    """

    def __init__(
        self,
        app: ASGI,
        lifespan: LifespanMode = "auto",
        api_gateway_base_path: str = "/",
        custom_handlers: list[type[LambdaHandler]] | None = None,
        text_mime_types: list[str] | None = None,
        exclude_headers: list[str] | None = None,
    ) -> None:
        if lifespan not in ("auto", "on", "off"):
            raise ConfigurationError(
                "Invalid argument supplied for `lifespan`. Choices are: auto|on|off"
            )
        self.app = app
        self.lifespan: LifespanMode = lifespan
        self.custom_handlers = custom_handlers or []
        self.config = LambdaConfig(
            api_gateway_base_path=api_gateway_base_path or "/",
            text_mime_types=text_mime_types or [*DEFAULT_TEXT_MIME_TYPES],
            exclude_headers=[name.lower() for name in exclude_headers or ()],
        )
        self._loops = LoopChoice()

    def infer(self, event: LambdaEvent, context: LambdaContext) -> LambdaHandler:
        """The handler of `event`.

        Raises:
            RuntimeError: no handler class knows the event.
        """
        for handler_class in chain(self.custom_handlers, HANDLERS):
            if handler_class.infer(event, context, self.config):
                return handler_class(event, context, self.config)
        raise RuntimeError(
            "The event is none of API Gateway, a Function URL, a load balancer or Lambda@Edge. "
            "Pass a class that knows it in custom_handlers, or move to warmstart.ASGIHandler, "
            "which serves every event that AWS sends."
        )

    def __call__(self, event: LambdaEvent, context: LambdaContext) -> dict[str, Any]:
        """Serve one invocation.

        Raises:
            RuntimeError: no handler class knows the event.
            LifespanFailure: the app's startup or shutdown failed.
        """
        handler = self.infer(event, context)
        try:
            scope, body = handler.scope, handler.body
        except MalformedEvent as error:
            logger.warning("The event cannot be read: %s", error)
            return handler(_bad_request(error))
        run = self._loops.choose()
        http = HTTPCycle(scope, body)
        if self.lifespan == "off":
            return handler(run(http.run(self.app)))
        lifespan = LifespanCycle(self.app, self.lifespan)
        run(lifespan.startup())
        try:
            scope["state"] = lifespan.state.copy()
            return handler(run(http.run(self.app)))
        finally:
            run(lifespan.shutdown())


def _bad_request(error: MalformedEvent) -> Response:
    text = f"The event cannot be read: {error}"
    return {
        "status": 400,
        "headers": [[b"content-type", b"text/plain; charset=utf-8"]],
        "body": text.encode("utf-8", "backslashreplace"),
    }
