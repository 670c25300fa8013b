"""The protocol of the Lambda API: REST with JSON bodies.

Members travel in the path, the query, headers, the status or the body, as the
model says of each. The operations whose output is a function's own bytes are
answered elsewhere. https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from warmstart.service.api.errors import ApiError, description
from warmstart.service.api.exchange import Request, Response
from warmstart.service.api.model import Shape, service_model
from warmstart.service.api.operations import Members
from warmstart.service.api.routing import Match, Router
from warmstart.service.api.shapes import (
    decode,
    decode_text,
    encode,
    encode_text,
    load,
    member_of,
    wire_name,
)

__all__ = ["RestJSON"]


class RestJSON:
    """The server's side of the protocol, for one service."""

    invalid_input = "ValidationException"

    def __init__(self, service: str) -> None:
        self.model = service_model(service)
        self.service: str = self.model.signing_name
        names = self.model.operation_names
        self._router = Router(self.model.operation_model(name) for name in names)

    def claims(self, request: Request) -> bool:
        """Whether a request is for this service: what no other service claims is."""
        return True

    def route(self, request: Request) -> Match:
        """The operation that a request asks for.

        Raises:
            ApiError: there is none.
        """
        match = self._router.match(request.method, request.path, _query(request))
        if match is None:
            name = self.model.metadata["serviceFullName"]
            raise ApiError(
                "UnknownOperationException",
                f"{name} has no operation at {request.method} {request.path}.",
            )
        return match

    def parse(self, match: Match, request: Request) -> Members:
        """The members of the operation's input.

        Raises:
            ApiError: the body is not JSON, or a value has the wrong type.
        """
        shape = match.operation.input_shape
        return {} if shape is None else _Input(shape, match, request).members()

    def serialize(self, operation: Any, output: Members) -> Response:
        """The response to a request that succeeded."""
        return _respond(operation.output_shape, operation.http["responseCode"], output)

    def refuse(self, error: ApiError) -> Response:
        """The response to a request that was refused."""
        refusal = description(self.model, error)
        if refusal.shape is None:
            response = Response(refusal.status, _headers(), _dump(refusal.members))
        else:
            response = _respond(refusal.shape, refusal.status, refusal.members)
        response.headers["x-amzn-ErrorType"] = error.code
        return response


class _Input:
    """A request, taken apart by the shape of its operation's input."""

    def __init__(self, shape: Shape, match: Match, request: Request) -> None:
        self._shape = shape
        self._labels = match.labels
        self._query = _query(request)
        self._request = request

    def members(self) -> Members:
        members = self._body()
        for name, member in self._shape.members.items():
            location = member.serialization.get("location")
            if location is not None:
                value = self._located(location, member, wire_name(member, name))
                if value is not None:
                    members[name] = value
        return members

    def _body(self) -> Members:
        body = self._request.body
        payload = self._shape.serialization.get("payload")
        if not body:
            return {}
        if payload is None:
            located = (
                member.serialization.get("location") for member in self._shape.members.values()
            )
            return {} if all(located) else decode(self._shape, load(body))
        member = self._shape.members[payload]
        if member.type_name == "blob":
            return {payload: body}
        return {payload: decode(member, load(body))}

    def _located(self, location: str, member: Shape, name: str) -> Any:
        if location == "uri":
            text: str | None = self._labels[name]
        elif location == "header":
            text = self._request.headers.get(name.lower())
        else:
            values = [value for key, value in self._query if key == name]
            if member.type_name == "list":
                return [decode_text(member.member, value) for value in values] or None
            text = values[0] if values else None
        return None if text is None else decode_text(member, text)


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.query_string, keep_blank_values=True)


def _respond(shape: Shape | None, status: int, output: Members) -> Response:
    headers = _headers()
    if shape is None:
        return Response(status, headers)
    document: Members = {}
    for name, value in output.items():
        member = member_of(shape, name)
        location = member.serialization.get("location")
        if value is None:
            continue
        if location == "statusCode":
            status = value
        elif location == "header":
            headers[wire_name(member, name)] = encode_text(member, value)
        else:
            document[wire_name(member, name)] = encode(member, value)
    body = b"" if status == HTTPStatus.NO_CONTENT else _dump(document)
    return Response(status, headers, body)


def _headers() -> dict[str, str]:
    return {"Content-Type": "application/json"}


def _dump(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
