"""VPC Lattice, event structure V1: names with underscores, single values, no context.

Repeated headers are joined; of repeated query parameters the last arrives. AWS
does not say whether the path and the query come encoded, so both are taken as
they are and only made sound. Who the client is only `x-forwarded-for` tells.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from __future__ import annotations

from warmstart.events.body import decode_body, encode_body, is_text, request_is_text
from warmstart.events.errors import MalformedResponse
from warmstart.events.fields import read_text, require_object, require_text
from warmstart.events.headers import decode_map, end_to_end, joined, response_map, single_map
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


def matches(event: Any) -> bool:
    """Whether `event` is VPC Lattice's, with event structure V1."""
    return detect(event) is Source.LATTICE_V1


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    headers = decode_map(event.get("headers"), "headers")
    path, raw_path = decode_path(read_text(event, "raw_path") or "/", "raw_path")
    query = read_pairs(event, "query_string_parameters", "query_string_parameters")
    scheme, server = origin_of(headers)
    return HTTPRequest(
        method=require_text(event, "method").upper(),
        path=path,
        raw_path=raw_path,
        query_string=quote_query(query, "query_string_parameters"),
        headers=headers,
        body=decode_body(event, flag="is_base64_encoded"),
        scheme=scheme,
        client=forwarded_client(headers),
        server=server,
    )


def build_event(request: HTTPRequest) -> dict[str, Any]:
    """The event in which VPC Lattice hands `request` to a function."""
    headers = joined(end_to_end(request.headers)) | forwarded_headers(request)
    query = split_query(request.query_string)
    text = not request.body or request_is_text(request.headers)
    body, encoded = encode_body(request.body, text=text)
    return {
        "raw_path": target_text(request.raw_path),
        "method": request.method,
        "headers": headers,
        "query_string_parameters": {name: values[-1] for name, values in query.items()},
        "body": body,
        "is_base64_encoded": encoded,
    }


def build_response(
    response: HTTPResponse, event: Any = None, *, is_text: IsText = is_text
) -> dict[str, Any]:
    """What a function returns to answer with `response`. `event` makes no difference here.

    `is_text` tells whether the body goes as text.
    """
    body, encoded = encode_body(response.body, text=is_text(response))
    return {
        "isBase64Encoded": encoded,
        "statusCode": response.status,
        "headers": single_map(response.headers),
        "body": body,
    }


def decode_response(result: Any) -> HTTPResponse:
    """What VPC Lattice makes of a function's `result`, which may be any JSON value.

    Raises:
        MalformedResponse: VPC Lattice could not answer with this.
    """
    result = require_object(result, "response", MalformedResponse)
    return HTTPResponse(
        read_status(result.get("statusCode"), "statusCode"),
        response_map(result),
        decode_body(result, error=MalformedResponse),
    )
