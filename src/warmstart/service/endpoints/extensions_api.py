"""The Extensions API of one environment, as an ASGI application.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html

Statuses, bodies and the order of the checks are those of AWS's own runtime
interface emulator, which refuses everything with 403.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from warmstart.service.endpoints.answers import (
    JSON,
    Receive,
    Scope,
    Send,
    Truncated,
    accept,
    answer,
    header,
    not_allowed,
    not_found,
    refuse,
    wait_disconnect,
    whole_body,
)
from warmstart.service.environments.environment import Refusal
from warmstart.service.environments.extensions import Extensions
from warmstart.service.function import Function
from warmstart.service.invocation import new_request_id

__all__ = ["Extended", "ExtensionsAPI"]

ROOT = "/2020-01-01/extension/"

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


class Extended(Protocol):
    """The environment whose API this is."""

    function: Function
    extensions: Extensions

    @property
    def account(self) -> str: ...


class ExtensionsAPI:
    """Answers the extensions of one environment."""

    def __init__(self, environment: Extended) -> None:
        self._environment = environment
        self._routes: dict[str, tuple[str, Handler]] = {
            "register": ("POST", self._register),
            "event/next": ("GET", self._next),
            "init/error": ("POST", self._init_error),
            "exit/error": ("POST", self._exit_error),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        method, handler = self._routes.get(scope["path"].removeprefix(ROOT), ("", None))
        if handler is None:
            await not_found(send)
        elif scope["method"] != method:
            await not_allowed(send, method)
        else:
            try:
                await handler(scope, receive, send)
            except Refusal as refusal:
                await refuse(send, refusal)
            except Truncated:
                pass  # nobody is there who could be answered

    async def _register(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = _text(scope, b"lambda-extension-name")
        if not name:
            raise Refusal(403, "Extension.InvalidExtensionName", "Empty extension name")
        events = _events(await whole_body(receive))
        extension = self._environment.extensions.register(name, events)
        function = self._environment.function
        facts = {
            "functionName": function.name,
            "functionVersion": function.version,
            "handler": function.handler,
        }
        features = _text(scope, b"lambda-extension-accept-feature") or ""
        if "accountId" in [feature.strip() for feature in features.split(",")]:
            facts["accountId"] = self._environment.account
        body = json.dumps(facts, separators=(",", ":")) + "\n"
        identifier = (b"lambda-extension-identifier", extension.id.encode())
        await answer(send, 200, body.encode(), JSON, [identifier])

    async def _next(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = await self._environment.extensions.next(_identifier(scope))
        if event is None:
            await wait_disconnect(receive)
            return
        identifier = (b"lambda-extension-event-identifier", new_request_id().encode())
        await answer(send, 200, event, JSON, [identifier])

    async def _init_error(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._environment.extensions.init_error(_identifier(scope), _error_type(scope))
        await accept(send)

    async def _exit_error(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._environment.extensions.exit_error(_identifier(scope), _error_type(scope))
        await accept(send)


def _events(body: bytes) -> list[str]:
    """The events that a registration names."""
    try:
        request: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(403, "InvalidRequestFormat", str(error)) from None
    if not isinstance(request, dict):
        raise Refusal(403, "InvalidRequestFormat", "The body must be a JSON object.")
    if request.get("configurationKeys"):
        message = "configurationKeys are deprecated; use environment variables instead"
        raise Refusal(403, "InvalidRequestFormat", message)
    events = request.get("events") or []
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        raise Refusal(403, "InvalidRequestFormat", "events must be a list of strings.")
    return events


def _identifier(scope: Scope) -> str | None:
    return _text(scope, b"lambda-extension-identifier")


def _error_type(scope: Scope) -> str:
    error_type = _text(scope, b"lambda-extension-function-error-type")
    if not error_type:
        message = "Lambda-Extension-Function-Error-Type not found"
        raise Refusal(403, "Extension.MissingHeader", message)
    return error_type


def _text(scope: Scope, name: bytes) -> str | None:
    value = header(scope["headers"], name)
    return None if value is None else value.decode("latin-1")
