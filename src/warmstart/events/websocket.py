"""API Gateway's WebSocket APIs: a connection opens, says something, and is gone.

Only the opening has headers and a query, and only its response counts: a 2xx
accepts the connection, and its `Sec-WebSocket-Protocol` header picks a
subprotocol. What the function sends later goes through the API's `@connections`,
at `Connection.endpoint`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

from warmstart.events.body import decode_body, encode_body
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.fields import (
    expected,
    read_object,
    read_text,
    require_object,
    require_text,
)
from warmstart.events.headers import (
    decode_list_map,
    decode_map,
    end_to_end,
    listed,
    response_lists,
    response_map,
)
from warmstart.events.http import HTTPResponse
from warmstart.events.queries import encode_query, parse_query, read_pairs
from warmstart.events.source import Source, detect
from warmstart.events.status import read_status
from warmstart.events.timestamps import request_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from warmstart.events.http import Headers

__all__ = [
    "Connect",
    "Connection",
    "Disconnect",
    "Message",
    "build_event",
    "build_response",
    "decode_event",
    "decode_response",
    "matches",
]


@dataclass(frozen=True, slots=True)
class Connection:
    """One client's connection, as each of its events describes it.

    `connected_at` is in milliseconds since the epoch.
    """

    id: str
    domain_name: str
    stage: str
    api_id: str = ""
    connected_at: int = 0
    source_ip: str = ""
    user_agent: str = ""

    @property
    def endpoint(self) -> str:
        """The URL of the API that sends to the connections of this one's kind."""
        return f"https://{self.domain_name}/{self.stage}"


@dataclass(slots=True)
class Connect:
    """A client asks to be connected. `query_string` is encoded again from a decoded map."""

    connection: Connection
    headers: Headers = field(default_factory=list)
    query_string: bytes = b""
    route_key: str = "$connect"


@dataclass(slots=True)
class Message:
    """The client has sent something: text, for API Gateway closes on binary frames.

    `body` is `bytes` only if the event says that it is base64.
    """

    connection: Connection
    body: str | bytes
    message_id: str = ""
    route_key: str = "$default"


@dataclass(slots=True)
class Disconnect:
    """The connection is closed. `code` is 1005 if the client gave none."""

    connection: Connection
    code: int = 1005
    reason: str = ""
    route_key: str = "$disconnect"


def matches(event: Any) -> bool:
    """Whether `event` comes from a WebSocket API."""
    return detect(event) is Source.WEBSOCKET


def decode_event(event: Any) -> Connect | Message | Disconnect:
    """What `event` says.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    context = read_object(event, "requestContext")
    where = "requestContext."
    connection = _read_connection(context)
    event_type = require_text(context, "eventType", where)
    route_key = read_text(context, "routeKey", where)
    if event_type == "CONNECT":
        headers = decode_list_map(event.get("multiValueHeaders"), "multiValueHeaders")
        headers = headers or decode_map(event.get("headers"), "headers")
        query = read_pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
        encoded = encode_query(query, "queryStringParameters")
        return Connect(connection, headers, encoded, route_key or "$connect")
    if event_type == "MESSAGE":
        body = decode_body(event)
        text = body if event.get("isBase64Encoded") else body.decode()
        message_id = read_text(context, "messageId", where)
        return Message(connection, text, message_id, route_key or "$default")
    if event_type == "DISCONNECT":
        code = _read_number(context, "disconnectStatusCode", 1005)
        reason = read_text(context, "disconnectReason", where)
        return Disconnect(connection, code, reason, route_key or "$disconnect")
    raise MalformedEvent(f"{where}eventType", f"is {event_type!r}, which no WebSocket API sends")


def _read_connection(context: dict[str, Any]) -> Connection:
    where = "requestContext."
    identity = read_object(context, "identity", where)
    return Connection(
        id=require_text(context, "connectionId", where),
        domain_name=read_text(context, "domainName", where),
        stage=read_text(context, "stage", where),
        api_id=read_text(context, "apiId", where),
        connected_at=_read_number(context, "connectedAt", 0),
        source_ip=read_text(identity, "sourceIp", "requestContext.identity."),
        user_agent=read_text(identity, "userAgent", "requestContext.identity."),
    )


def _read_number(context: dict[str, Any], key: str, default: int) -> int:
    value = context.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedEvent(f"requestContext.{key}", expected("a whole number", value))
    return value


def build_event(
    happening: Connect | Message | Disconnect, *, request_id: str, time: float
) -> dict[str, Any]:
    """The event in which a WebSocket API tells a function what is `happening`.

    Args:
        happening: What is.
        request_id: The API's id of it.
        time: Seconds since the epoch.
    """
    connection = happening.connection
    context: dict[str, Any] = {
        "routeKey": happening.route_key,
        "extendedRequestId": request_id,
        "requestTime": request_time(time),
        "messageDirection": "IN",
        "stage": connection.stage,
        "connectedAt": connection.connected_at,
        "requestTimeEpoch": int(time * 1000),
        "identity": {"userAgent": connection.user_agent, "sourceIp": connection.source_ip},
        "requestId": request_id,
        "domainName": connection.domain_name,
        "connectionId": connection.id,
        "apiId": connection.api_id,
    }
    event: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
    if isinstance(happening, Connect):
        context["eventType"] = "CONNECT"
        event |= _connect_maps(happening)
    elif isinstance(happening, Message):
        context["eventType"] = "MESSAGE"
        context["messageId"] = happening.message_id
        if isinstance(happening.body, str):
            event["body"] = happening.body
        else:
            event["body"], event["isBase64Encoded"] = encode_body(happening.body, text=False)
    else:
        context["eventType"] = "DISCONNECT"
        context["disconnectStatusCode"] = happening.code
        context["disconnectReason"] = happening.reason
    return event


def _connect_maps(connect: Connect) -> dict[str, Any]:
    headers = listed(end_to_end(connect.headers))
    maps: dict[str, Any] = {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
    }
    if query := parse_query(connect.query_string):
        maps["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        maps["multiValueQueryStringParameters"] = query
    return maps


def build_response(response: HTTPResponse, event: Any = None) -> dict[str, Any]:
    """What a function returns to answer with `response`. `event` makes no difference here.

    The status and the headers of a connect's response count; the body only
    where the route of a message has a response.
    """
    body, encoded = encode_body(response.body, text=True)
    headers = listed(response.headers)
    result: dict[str, Any] = {
        "statusCode": response.status,
        # Where AWS documents `Sec-WebSocket-Protocol`, which must not get lost.
        "headers": {name: values[0] for name, values in headers.items() if len(values) == 1},
        "body": body,
        "isBase64Encoded": encoded,
    }
    if repeated := {name: values for name, values in headers.items() if len(values) > 1}:
        result["multiValueHeaders"] = repeated
    return result


def decode_response(result: Any) -> HTTPResponse:
    """What a WebSocket API makes of a function's `result`, which may be any JSON value.

    Raises:
        MalformedResponse: the API could not answer with this; a connection is refused.
    """
    result = require_object(result, "response", MalformedResponse)
    return HTTPResponse(
        read_status(result.get("statusCode"), "statusCode"),
        response_lists(result) + response_map(result),
        decode_body(result, error=MalformedResponse),
    )
