"""The protocol of CloudWatch Logs and EventBridge: JSON, the operation's name in a header.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
from typing import Any

from warmstart.service.api.errors import ApiError, description
from warmstart.service.api.exchange import Request, Response
from warmstart.service.api.model import service_model
from warmstart.service.api.operations import Members
from warmstart.service.api.routing import Match
from warmstart.service.api.shapes import decode, encode, load

__all__ = ["AwsJSON"]


class AwsJSON:
    """The server's side of the protocol, for one service.

    `invalid_input` is its error for input that the model does not allow.
    """

    def __init__(self, service: str, *, invalid_input: str = "InvalidParameterException") -> None:
        self.invalid_input = invalid_input
        self.model = service_model(service)
        self.service: str = self.model.signing_name
        metadata = self.model.metadata
        self._prefix = f"{metadata['targetPrefix']}."
        self._content_type = f"application/x-amz-json-{metadata['jsonVersion']}"

    def claims(self, request: Request) -> bool:
        """Whether a request is for this service."""
        return request.headers.get("x-amz-target", "").startswith(self._prefix)

    def route(self, request: Request) -> Match:
        """The operation that a request asks for.

        Raises:
            ApiError: there is none.
        """
        name = request.headers["x-amz-target"].removeprefix(self._prefix)
        if name not in self.model.operation_names:
            service = self.model.metadata["serviceFullName"]
            raise ApiError("UnknownOperationException", f"{service} has no operation {name}.")
        return Match(self.model.operation_model(name), {})

    def parse(self, match: Match, request: Request) -> Members:
        """The members of the operation's input.

        Raises:
            ApiError: the body is not JSON, or a value has the wrong type.
        """
        document = load(request.body) if request.body else {}
        shape = match.operation.input_shape
        return {} if shape is None else decode(shape, document)

    def serialize(self, operation: Any, output: Members) -> Response:
        """The response to a request that succeeded."""
        shape = operation.output_shape
        if shape is None:
            return self._respond(200)
        return self._respond(200, encode(shape, output))

    def refuse(self, error: ApiError) -> Response:
        """The response to a request that was refused."""
        refusal = description(self.model, error)
        document = {} if refusal.shape is None else encode(refusal.shape, refusal.members)
        # Most of this service's error shapes have no member for the message; all errors do.
        document = {"__type": error.code, "message": error.message, **document}
        return self._respond(500 if refusal.status >= 500 else 400, document)

    def _respond(self, status: int, document: Members | None = None) -> Response:
        body = b"" if document is None else json.dumps(document).encode()
        return Response(status, {"Content-Type": self._content_type}, body)
