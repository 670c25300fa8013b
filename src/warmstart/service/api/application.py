"""The APIs as one ASGI application: a request in, an operation, a response out.

request ─▶ protocol.parse ─▶ validate ─▶ operation ─▶ protocol.serialize ─▶ response
                └──────── ApiError ─────────┴─▶ protocol.refuse ────────────▲
"""

from __future__ import annotations

import inspect
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol

from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import (
    ClientGone,
    Message,
    Receive,
    Request,
    Response,
    Send,
    read_body,
)
from warmstart.service.api.operations import Members, Operation
from warmstart.service.api.routing import Match
from warmstart.service.api.validation import validate

__all__ = ["Api", "Application"]

_logger = logging.getLogger(__name__)


class WireProtocol(Protocol):
    """How a service's requests and responses are written."""

    def claims(self, request: Request) -> bool: ...

    def route(self, request: Request) -> Match: ...

    def parse(self, match: Match, request: Request) -> Members: ...

    def serialize(self, operation: Any, output: Members) -> Response: ...

    def refuse(self, error: ApiError) -> Response: ...


@dataclass(frozen=True, slots=True)
class Api:
    """A service: its protocol, and those of its operations that are there, by name."""

    protocol: WireProtocol
    operations: Mapping[str, Operation]


class Application:
    """Serves several APIs on one address. The last one gets what none before it claims."""

    def __init__(self, *apis: Api) -> None:
        self._apis = apis

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"The API serves HTTP, not {scope['type']!r}.")
        request_id = str(uuid.uuid4())
        head = _head(scope)
        api = next(api for api in self._apis if api.protocol.claims(head))
        try:
            response = await _answer(api, head, receive)
        except ClientGone:
            return
        except Exception:
            _logger.exception("%s %s failed (request %s)", head.method, head.path, request_id)
            response = api.protocol.refuse(_fault(request_id))
        await _send(send, response, request_id)


async def _answer(api: Api, head: Request, receive: Receive) -> Response:
    try:
        return await _perform(api, head, receive)
    except ApiError as error:
        return api.protocol.refuse(error)


async def _perform(api: Api, head: Request, receive: Receive) -> Response:
    match = api.protocol.route(head)
    name = match.operation.name
    request = replace(head, body=await read_body(receive, name))
    parameters = api.protocol.parse(match, request)
    operation = api.operations.get(name)
    if operation is None:
        raise ApiError("NotImplementedException", f"{name} is not implemented here.")
    if match.operation.input_shape is not None:
        validate(match.operation.input_shape, parameters)
    output = operation(parameters)
    if inspect.isawaitable(output):
        output = await output
    return api.protocol.serialize(match.operation, output)


def _fault(request_id: str) -> ApiError:
    """An error of ours. What it was is in the log, under the request's id."""
    message = f"The service failed; its log tells why (request {request_id})."
    return ApiError("ServiceException", message)


def _head(scope: Message) -> Request:
    return Request(
        scope["method"],
        scope["raw_path"].decode("latin-1"),
        scope["query_string"].decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        b"",
    )


async def _send(send: Send, response: Response, request_id: str) -> None:
    headers = {
        **response.headers,
        "x-amzn-RequestId": request_id,
        "Content-Length": str(len(response.body)),
    }
    if response.status == HTTPStatus.NO_CONTENT:
        del headers["Content-Length"]
    encoded = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    await send({"type": "http.response.body", "body": response.body})
