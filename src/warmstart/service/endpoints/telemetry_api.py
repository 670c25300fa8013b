"""The Telemetry API and the older Logs API of one environment, as an ASGI application.

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html
"""

from __future__ import annotations

from typing import Protocol

from warmstart.service.endpoints.answers import (
    JSON,
    Receive,
    Scope,
    Send,
    Truncated,
    answer,
    header,
    not_allowed,
    not_found,
    refuse,
    whole_body,
)
from warmstart.service.environments.environment import Refusal
from warmstart.service.environments.extensions import Extensions
from warmstart.service.logs.subscription import LOGS, TELEMETRY, Subscription, parse

__all__ = ["ROOTS", "Observed", "TelemetryAPI"]

_APIS = {"/2022-07-01/telemetry": TELEMETRY, "/2020-08-15/logs": LOGS}
ROOTS = tuple(_APIS)


class Observed(Protocol):
    """The environment whose API this is."""

    extensions: Extensions

    def subscribe(self, name: str, subscription: Subscription) -> bool: ...


class TelemetryAPI:
    """Takes the subscriptions of one environment's extensions."""

    def __init__(self, environment: Observed) -> None:
        self._environment = environment

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        api = _APIS.get(scope["path"].removesuffix("/"))
        if api is None:
            await not_found(send)
            return
        if scope["method"] != "PUT":
            await not_allowed(send, "PUT")
            return
        try:
            identifier = header(scope["headers"], b"lambda-extension-identifier") or b""
            extension = self._environment.extensions.registry.find(identifier.decode("latin-1"))
            subscription = parse(api, await whole_body(receive))
            new = self._environment.subscribe(extension.name, subscription)
            await answer(send, 200, b'"OK"' if new else b'"AlreadySubscribed"', JSON)
        except Refusal as refusal:
            await refuse(send, refusal)
        except Truncated:
            pass  # nobody is there who could be answered
