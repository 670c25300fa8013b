"""The APIs as one ASGI application: a request in, an operation, a response out.

request ─▶ protocol.parse ─▶ validate ─▶ operation ─▶ protocol.serialize ─▶ response
                └──────── ApiError ─────────┴─▶ protocol.refuse ────────────▲
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from warmstart.invoke import MAX_PAYLOAD
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import (
    MAX_BODY,
    ClientGone,
    Message,
    Receive,
    Request,
    Response,
    Send,
    head_of,
    read_body,
    respond,
)
from warmstart.service.api.invocations import Invocations
from warmstart.service.api.operations import Members, Operation
from warmstart.service.api.routing import Match
from warmstart.service.api.validation import validate
from warmstart.service.invocation import new_request_id

__all__ = ["Api", "Application", "Verifier"]

_logger = logging.getLogger(__name__)


class WireProtocol(Protocol):
    """How a service's requests and responses are written."""

    @property
    def service(self) -> str:
        """The name that its requests are signed with."""
        ...

    @property
    def invalid_input(self) -> str:
        """The error that tells of input which the model does not allow."""
        ...

    def claims(self, request: Request) -> bool: ...

    def route(self, request: Request) -> Match: ...

    def parse(self, match: Match, request: Request) -> Members: ...

    def serialize(self, operation: Any, output: Members) -> Response: ...

    def refuse(self, error: ApiError) -> Response: ...


class Verifier(Protocol):
    """What tells whether a request comes from whom it says."""

    def verify(self, request: Request, service: str) -> None:
        """Raises `ApiError` if it does not."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """A service: its protocol, and those of its operations that are there, by name.

    `invocations` perform what goes past the protocol.
    """

    protocol: WireProtocol
    operations: Mapping[str, Operation]
    invocations: Invocations | None = None


class Application:
    """Serves several APIs on one address. The last one gets what none before it claims.

    Without a `verifier`, whoever can connect may do everything.
    """

    def __init__(self, *apis: Api, verifier: Verifier | None = None) -> None:
        self._apis = apis
        self._verifier = verifier

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"The API serves HTTP, not {scope['type']!r}.")
        head = head_of(scope)
        api = next(api for api in self._apis if api.protocol.claims(head))
        await _Exchange(api, self._verifier, head, receive, send).run()


class _Exchange:
    """One request and its response."""

    def __init__(
        self, api: Api, verifier: Verifier | None, head: Request, receive: Receive, send: Send
    ) -> None:
        self._api = api
        self._verifier = verifier
        self._head = head
        self._receive = receive
        self._send = send
        self._id = new_request_id()

    async def run(self) -> None:
        try:
            response = await self._answer()
        except ClientGone:
            return
        except Exception:
            head = self._head
            _logger.exception("%s %s failed (request %s)", head.method, head.path, self._id)
            response = self._api.protocol.refuse(_fault(self._id))
        if response is not None:
            await respond(self._send, response, self._id)

    async def _answer(self) -> Response | None:
        try:
            invocations = self._api.invocations
            invocation = invocations.match(self._head) if invocations is not None else None
            if invocations is None or invocation is None:
                return await self._operate()
            request = await self._request("InvokeFunction", MAX_PAYLOAD)
            return await invocations.perform(
                invocation, request, self._id, self._receive, self._send
            )
        except ApiError as error:
            return self._api.protocol.refuse(error)

    async def _operate(self) -> Response:
        protocol = self._api.protocol
        match = protocol.route(self._head)
        name = match.operation.name
        request = await self._request(name, MAX_BODY)
        operation = self._api.operations.get(name)
        if operation is None:
            raise ApiError("NotImplementedException", f"{name} is not implemented here.")
        parameters = protocol.parse(match, request)
        if match.operation.input_shape is not None:
            validate(match.operation.input_shape, parameters, protocol.invalid_input)
        output = operation(parameters)
        if inspect.isawaitable(output):
            output = await output
        return protocol.serialize(match.operation, output)

    async def _request(self, operation: str, limit: int) -> Request:
        """The whole request, if its sender may send it."""
        head = self._head
        body = await read_body(self._receive, operation, limit)
        request = Request(head.method, head.path, head.query_string, head.headers, body)
        if self._verifier is not None:
            self._verifier.verify(request, self._api.protocol.service)
        return request


def _fault(request_id: str) -> ApiError:
    """An error of ours. What it was is in the log, under the request's id."""
    message = f"The service failed; its log tells why (request {request_id})."
    return ApiError("ServiceException", message)
