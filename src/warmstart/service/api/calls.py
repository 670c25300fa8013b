"""Calls that run functions, as they are read from requests.

They are asked for more often than all others together, so no model is consulted
unless a request looks odd, and then only to say what is wrong with it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request
from warmstart.service.api.model import service_model
from warmstart.service.api.validation import validate
from warmstart.service.control.arns import Arns
from warmstart.service.control.names import function_name

__all__ = ["Call", "Invocation", "match", "read"]

_MAX_CLIENT_CONTEXT = 3583  # bytes of base64


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which operation a request asks for, and of which function, as the path names it."""

    operation: str
    function: str


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be run, and how. `kind` is AWS's invocation type.

    `trace_id` is `None` where the caller gave none.
    """

    function: str
    qualifier: str | None
    payload: bytes
    kind: str
    trace_id: str | None
    client_context: str | None
    tenant_id: str | None
    log_tail: bool


_PATH = re.compile(r"/([0-9-]+)/functions/([^/]+)/([a-z-]+)/?")
_OPERATIONS = {
    ("2015-03-31", "invocations"): "Invoke",
    ("2021-11-15", "response-streaming-invocations"): "InvokeWithResponseStream",
    ("2014-11-13", "invoke-async"): "InvokeAsync",
}


def match(request: Request) -> Invocation | None:
    """The call that a request is, if it is one."""
    found = _PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        return None
    operation = _OPERATIONS.get((found[1], found[3]))
    return Invocation(operation, unquote(found[2])) if operation else None


def read(invocation: Invocation, request: Request, arns: Arns) -> Call:
    """The call that a whole request is.

    Raises:
        ApiError: it breaks the rules of the model, or its event is not JSON.
    """
    members = _members(invocation, request)
    name = function_name(arns, invocation.function, members.get("Qualifier"))
    kind = members.get("InvocationType", "RequestResponse")
    return Call(
        function=name.name,
        qualifier=name.qualifier,
        payload=_event(request.body),
        kind="Event" if invocation.operation == "InvokeAsync" else kind,
        trace_id=request.headers.get("x-amzn-trace-id"),
        client_context=_client_context(members.get("ClientContext")),
        tenant_id=members.get("TenantId"),
        log_tail=members.get("LogType") == "Tail",
    )


_HEADERS = {
    "x-amz-invocation-type": "InvocationType",
    "x-amz-log-type": "LogType",
    "x-amz-client-context": "ClientContext",
    "x-amz-tenant-id": "TenantId",
    "x-amz-durable-execution-name": "DurableExecutionName",
}
_PLAIN_NAME = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def _members(invocation: Invocation, request: Request) -> dict[str, str]:
    """The members of the input that are in headers and in the query, held to the model."""
    headers = request.headers
    members = {member: headers[header] for header, member in _HEADERS.items() if header in headers}
    for parameter, value in parse_qsl(request.query_string, keep_blank_values=True):
        if parameter == "Qualifier":
            members[parameter] = value
    if members or not _PLAIN_NAME.fullmatch(invocation.function):
        shape = service_model("lambda").operation_model(invocation.operation).input_shape
        whole = {"FunctionName": invocation.function, "InvokeArgs": request.body}
        validate(shape, members | whole)
    if "DurableExecutionName" in members:
        message = "A durable execution needs a durable function, and there is none here."
        raise ApiError("InvalidParameterValueException", message)
    return members


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


# Only tells whether a text is JSON, so numbers are left as they are written.
_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def _event(body: bytes) -> bytes:
    """The event that a function gets; a call without one brings an empty one."""
    if not body:
        return b"{}"
    try:
        _JSON.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise ApiError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: Could not parse payload into json: {error}",
        ) from None
    return body


def _client_context(encoded: str | None) -> str | None:
    if encoded is None:
        return None
    if len(encoded) > _MAX_CLIENT_CONTEXT:
        raise ApiError(
            "InvalidRequestContentException",
            f"Client context must have at most {_MAX_CLIENT_CONTEXT} bytes of base64, "
            f"and this one has {len(encoded)}.",
        )
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        raise ApiError(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from None
