"""Application Load Balancers.

Path and query come as they were sent, the query cut into a map. The target
group decides whether names map to single values or to arrays: if to single
ones, only the last of repeated headers or query parameters arrives. The response
must be of the same kind. Who the client is only `x-forwarded-for` tells.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus

from warmstart.events.body import decode_body, encode_body, is_text, request_is_text
from warmstart.events.errors import MalformedResponse, ResponseTooLarge
from warmstart.events.fields import read_text, require_object, require_text
from warmstart.events.headers import (
    decode_list_map,
    decode_map,
    end_to_end,
    listed,
    response_lists,
    response_map,
    single_map,
)
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.origin import forwarded_client, forwarded_headers, origin_of
from warmstart.events.paths import decode_path, target_text
from warmstart.events.queries import quote_query, read_pairs, split_query
from warmstart.events.source import Source, detect
from warmstart.events.status import read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from warmstart.events.body import IsText

__all__ = [
    "STREAMS",
    "build_event",
    "build_response",
    "decode_event",
    "decode_response",
    "matches",
]

STREAMS = False

_MAX_RESPONSE = 1024 * 1024
# JSON writes a character in six bytes at most; the rest is for headers.
_SURELY_SMALL = _MAX_RESPONSE // 6 - 64 * 1024


def matches(event: Any) -> bool:
    """Whether `event` comes from an Application Load Balancer."""
    return detect(event) is Source.ALB


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    headers = decode_list_map(event.get("multiValueHeaders"), "multiValueHeaders")
    headers = headers or decode_map(event.get("headers"), "headers")
    path, raw_path = decode_path(read_text(event, "path") or "/", "path")
    query = read_pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
    scheme, server = origin_of(headers)
    return HTTPRequest(
        method=require_text(event, "httpMethod").upper(),
        path=path,
        raw_path=raw_path,
        query_string=quote_query(query, "queryStringParameters"),
        headers=headers,
        body=decode_body(event),
        scheme=scheme,
        client=forwarded_client(headers),
        server=server,
    )


def build_event(
    request: HTTPRequest, *, target_group_arn: str, multi_value: bool = False, trace_id: str = ""
) -> dict[str, Any]:
    """The event in which a load balancer hands `request` to a function.

    Args:
        request: The request.
        target_group_arn: The target group that the function is in.
        multi_value: Whether the target group has `lambda.multi_value_headers.enabled`.
        trace_id: The value of `x-amzn-trace-id`; without one the header is left out.
    """
    added = forwarded_headers(request)
    if trace_id:
        added["x-amzn-trace-id"] = trace_id
    headers = listed(end_to_end(request.headers))
    headers |= {name: [value] for name, value in added.items()}
    query = split_query(request.query_string)
    event: dict[str, Any] = {
        "requestContext": {"elb": {"targetGroupArn": target_group_arn}},
        "httpMethod": request.method,
        "path": target_text(request.raw_path),
    }
    if multi_value:
        event["multiValueQueryStringParameters"] = query
        event["multiValueHeaders"] = headers
    else:
        event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        event["headers"] = {name: values[-1] for name, values in headers.items()}
    text = not request.body or request_is_text(request.headers)
    event["body"], event["isBase64Encoded"] = encode_body(request.body, text=text)
    return event


def build_response(
    response: HTTPResponse, event: Any, *, is_text: IsText = is_text
) -> dict[str, Any]:
    """What a function returns to answer `event` with `response`.

    The headers are of the kind that the event has. `is_text` tells whether the
    body goes as text.

    Raises:
        ResponseTooLarge: it has more than 1 MB as JSON.
    """
    body, encoded = encode_body(response.body, text=is_text(response))
    result: dict[str, Any] = {
        "statusCode": response.status,
        "statusDescription": status_description(response.status),
        "body": body,
        "isBase64Encoded": encoded,
    }
    if isinstance(event, dict) and event.get("multiValueHeaders") is not None:
        result["multiValueHeaders"] = listed(response.headers)
    else:
        result["headers"] = single_map(response.headers)
    if len(body) > _SURELY_SMALL:
        _check_size(result)
    return result


def _check_size(result: dict[str, Any]) -> None:
    size = len(json.dumps(result, ensure_ascii=False).encode())
    if size > _MAX_RESPONSE:
        raise ResponseTooLarge(
            f"The response is too large: it has {size} bytes as JSON, and an Application Load "
            "Balancer takes 1 MB from a function. Send less, or put an API Gateway or a Function "
            "URL in its place."
        )


@lru_cache(maxsize=64)
def status_description(status: int) -> str:
    """The status and its reason phrase, as in `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:  # a status that no RFC names
        return str(status)


def decode_response(result: Any, *, multi_value: bool = False) -> HTTPResponse:
    """What a load balancer makes of a function's `result`, which may be any JSON value.

    Args:
        result: What the function returned.
        multi_value: Whether the target group's headers are arrays. The load
            balancer reads no other kind.

    Raises:
        MalformedResponse: the load balancer could not answer with this; it says 502.
    """
    result = require_object(result, "response", MalformedResponse)
    return HTTPResponse(
        read_status(result.get("statusCode"), "statusCode"),
        response_lists(result) if multi_value else response_map(result),
        decode_body(result, error=MalformedResponse),
    )
