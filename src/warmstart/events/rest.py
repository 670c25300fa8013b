"""Payload format 1.0: API Gateway's REST APIs, and HTTP APIs that ask for it.

Queries come as decoded maps, so they are encoded again, the values of one name
together; that is all the format tells. A REST API's `path` is percent-encoded
and without the stage, which `requestContext.path` begins with unless the request
came by a custom domain. An HTTP API's event says `version: "1.0"`, and its `path`
is decoded and begins with the stage.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from warmstart.events.body import decode_body, encode_body, is_text, request_is_text
from warmstart.events.errors import MalformedResponse
from warmstart.events.fields import (
    read_object,
    read_text,
    require_object,
    require_text,
    utf8,
)
from warmstart.events.headers import (
    JSON,
    TEXT,
    decode_list_map,
    decode_map,
    end_to_end,
    listed,
    response_lists,
    response_map,
    typed,
)
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.origin import forwarded_headers, origin_of
from warmstart.events.paths import decode_path, encode_path, stage_root, target_text
from warmstart.events.protocol import http_version, protocol
from warmstart.events.queries import encode_query, parse_query, read_pairs
from warmstart.events.source import Source, detect
from warmstart.events.status import read_status
from warmstart.events.timestamps import request_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from warmstart.events.body import IsText
    from warmstart.events.http import Headers

__all__ = [
    "REQUEST_HEADERS_DROPPED",
    "RESPONSE_HEADERS_DROPPED",
    "RESPONSE_HEADERS_REMAPPED",
    "STREAMS",
    "build_event",
    "build_response",
    "decode_event",
    "decode_response",
    "is_binary",
    "matches",
    "request_headers",
    "request_method",
    "rewrite_response_headers",
]

STREAMS = True
"""A REST API can take a streamed response."""

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
REQUEST_HEADERS_DROPPED = frozenset(
    {
        b"connection",
        b"content-length",
        b"content-md5",
        b"expect",
        b"max-forwards",
        b"proxy-authenticate",
        b"server",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"www-authenticate",
    }
)
"""Headers of a request that a REST API keeps from the function."""

RESPONSE_HEADERS_DROPPED = frozenset(
    {
        b"expect",
        b"host",
        b"proxy-authenticate",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"via",
    }
)
"""Headers of a function's response that a REST API keeps from the client."""

RESPONSE_HEADERS_REMAPPED = frozenset(
    {
        b"authorization",
        b"connection",
        b"content-md5",
        b"date",
        b"max-forwards",
        b"server",
        b"user-agent",
        b"www-authenticate",
    }
)
"""Headers of a function's response that a REST API renames `x-amzn-remapped-…`."""

# The rest keep the client's case, or are lower-case if they came by HTTP/2.
_CANONICAL_NAMES = {
    "authorization": "Authorization",
    "host": "Host",
    "user-agent": "User-Agent",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
    "x-forwarded-for": "X-Forwarded-For",
    "x-forwarded-port": "X-Forwarded-Port",
    "x-forwarded-proto": "X-Forwarded-Proto",
}

_RESPONSE_MEMBERS = {"body", "headers", "isBase64Encoded", "multiValueHeaders", "statusCode"}


def matches(event: Any) -> bool:
    """Whether `event` comes from a REST API, or from an HTTP API with payload format 1.0."""
    return detect(event) in (Source.REST, Source.HTTP_V1)


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    A body has a `content-length` even where the API kept the client's from the
    function: Django, for one, reads no upload without it.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    context = read_object(event, "requestContext")
    identity = read_object(context, "identity", "requestContext.")
    headers = decode_list_map(event.get("multiValueHeaders"), "multiValueHeaders")
    headers = headers or decode_map(event.get("headers"), "headers")
    body = decode_body(event)
    if body and all(name not in _BODY_LENGTHS for name, _ in headers):
        headers.append((b"content-length", b"%d" % len(body)))
    path, raw_path, root_path = _read_paths(event, context)
    query = read_pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
    scheme, server = origin_of(headers, read_text(context, "domainName", "requestContext."))
    source_ip = read_text(identity, "sourceIp", "requestContext.identity.")
    return HTTPRequest(
        method=require_text(event, "httpMethod").upper(),
        path=path,
        raw_path=raw_path,
        query_string=encode_query(query, "queryStringParameters"),
        headers=headers,
        body=body,
        scheme=scheme,
        http_version=http_version(read_text(context, "protocol", "requestContext.")),
        client=(source_ip, 0) if source_ip else None,
        server=server,
        root_path=root_path,
    )


_BODY_LENGTHS = (b"content-length", b"transfer-encoding")


def _read_paths(event: dict[str, Any], context: dict[str, Any]) -> tuple[str, bytes, str]:
    """The decoded path, the raw path and the root path, which both begin with."""
    given = read_text(event, "path") or "/"
    stage = read_text(context, "stage", "requestContext.")
    if event.get("version") == "1.0":
        if root := stage_root(given, stage):
            return given, encode_path(given, "path"), root
        path, raw_path = given, encode_path(given, "path")
    else:
        path, raw_path = decode_path(given, "path")
    public = read_text(context, "path", "requestContext.")
    # By a custom domain the two paths are the same, and a first segment that is
    # called like the stage is the application's own.
    root = stage_root(public, stage) if public != given else ""
    return root + path, encode_path(root, "requestContext.stage") + raw_path, root


def build_event(  # noqa: PLR0913 - each is a member of the event, or decides on some
    request: HTTPRequest,
    *,
    request_id: str,
    time: float,
    domain_name: str,
    stage: str,
    resource: str = "/{proxy+}",
    trace_id: str = "",
    binary_media_types: Collection[str] = (),
    http_api: bool = False,
) -> dict[str, Any]:
    """The event in which an API hands `request` to a function.

    What only a route or an authorizer knows (`pathParameters`, `stageVariables`,
    `requestContext.resourceId` and `.authorizer`) is the gateway's to set in the
    result.

    Args:
        request: The request; if its `root_path` is the stage, it came by the
            API's own domain, else by a custom one.
        request_id: The API's id of the request.
        time: Seconds since the epoch.
        domain_name: The domain that the client called.
        stage: The API's stage.
        resource: The path of the API's resource, with its variables in braces.
        trace_id: The value of `X-Amzn-Trace-Id`; without one the header is left out.
        binary_media_types: Types whose bodies a REST API hands on as base64. Others
            go as text, in which bytes that are not UTF-8 are lost.
        http_api: Whether it is an HTTP API with payload format 1.0.
    """
    headers = _event_headers(request, trace_id, http_api=http_api)
    if http_api:
        path = public = request.path
        query = parse_query(request.query_string)
        method = request.method
    else:
        public = target_text(request.raw_path)
        path = "/" + public.removeprefix(request.root_path).lstrip("/")
        query = parse_query(request.query_string.replace(b";", b"&"))
        method = request_method(request)
    body, encoded = _event_body(request, binary_media_types, http_api=http_api)
    return ({"version": "1.0"} if http_api else {}) | {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in headers.items()} or None,
        "multiValueHeaders": headers or None,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": domain_name.partition(".")[0],
            "domainName": domain_name,
            "domainPrefix": domain_name.partition(".")[0],
            "extendedRequestId": request_id,
            "httpMethod": method,
            "identity": {
                **dict.fromkeys(_IDENTITY),
                "sourceIp": request.client[0] if request.client else "",
                "userAgent": headers.get("User-Agent", [""])[-1],
            },
            "path": public,
            "protocol": protocol(request.http_version),
            "requestId": request_id,
            "requestTime": request_time(time),
            "requestTimeEpoch": int(time * 1000),
            "resourceId": None,
            "resourcePath": resource,
            "stage": stage,
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


# What an API knows of a caller that it has not asked who it is.
_IDENTITY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


def _event_headers(request: HTTPRequest, trace_id: str, *, http_api: bool) -> dict[str, list[str]]:
    kept = end_to_end(request.headers) if http_api else request_headers(request.headers)
    added = forwarded_headers(request)
    if trace_id:
        added["x-amzn-trace-id"] = trace_id
    headers = listed(kept) | {name: [value] for name, value in added.items()}
    return {_CANONICAL_NAMES.get(name, name): values for name, values in headers.items()}


def _event_body(
    request: HTTPRequest, binary_media_types: Collection[str], *, http_api: bool
) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    if http_api:
        return encode_body(request.body, text=request_is_text(request.headers))
    content_type = dict(request.headers).get(b"content-type", b"").decode("latin-1")
    if is_binary(content_type, binary_media_types):
        return encode_body(request.body, text=False)
    return request.body.decode("utf-8", "replace"), False


def is_binary(media_types: str, binary_media_types: Collection[str]) -> bool:
    """Whether a REST API with these `binaryMediaTypes` takes a body for binary.

    `media_types` is the request's `Content-Type` for its body, and the request's
    `Accept` for the response's, of which the first counts.
    """
    media_type = media_types.partition(",")[0].partition(";")[0].strip().lower()
    general = media_type.partition("/")[0] + "/*"
    return any(pattern.lower() in ("*/*", media_type, general) for pattern in binary_media_types)


def request_method(request: HTTPRequest) -> str:
    """The method of `request` at a REST API, where `X-HTTP-Method-Override` goes before it."""
    override = dict(request.headers).get(b"x-http-method-override", b"")
    return override.decode("latin-1").upper() or request.method


def request_headers(headers: Headers) -> Headers:
    """The headers of a request that a REST API hands on to the function.

    A signature of the caller's ends at the API.
    """
    return [
        (name, value)
        for name, value in end_to_end(headers)
        if name not in REQUEST_HEADERS_DROPPED
        and not (name == b"authorization" and value.startswith(b"AWS4-HMAC-SHA256"))
    ]


def rewrite_response_headers(headers: Headers) -> Headers:
    """The headers of a function's response as a REST API sends them to the client."""
    return [
        (b"x-amzn-remapped-" + name if name in RESPONSE_HEADERS_REMAPPED else name, value)
        for name, value in headers
        if name not in RESPONSE_HEADERS_DROPPED
    ]


def build_response(
    response: HTTPResponse, event: Any = None, *, is_text: IsText = is_text
) -> dict[str, Any]:
    """What a function returns to answer with `response`. `event` makes no difference here.

    `is_text` tells whether the body goes as text.
    """
    body, encoded = encode_body(response.body, text=is_text(response))
    return {
        "statusCode": response.status,
        "multiValueHeaders": listed(response.headers),
        "body": body,
        "isBase64Encoded": encoded,
    }


def decode_response(
    result: Any, *, http_api: bool = False, decode_base64: bool = True
) -> HTTPResponse:
    """What the API makes of a function's `result`, which may be any JSON value.

    `multiValueHeaders` and `headers` are merged; a pair in both is one. A
    response that names no content type gets one: JSON from a REST API, plain
    text from an HTTP API.

    Args:
        result: What the function returned.
        http_api: Whether it is an HTTP API, which takes members that it does not
            know, and insists on `statusCode`.
        decode_base64: False for a REST API unless `is_binary` says so of the
            request's `Accept`; the client is then sent the base64.

    Raises:
        MalformedResponse: the API could not answer with this; a REST API says 502.
    """
    result = require_object(result, "response", MalformedResponse)
    if http_api:
        status = read_status(result.get("statusCode"), "statusCode")
    else:
        status = _rest_status(result)
    headers = response_lists(result)
    headers += [pair for pair in response_map(result) if pair not in headers]
    headers = typed(headers, TEXT if http_api else JSON)
    if decode_base64:
        body = decode_body(result, error=MalformedResponse)
    else:
        body = utf8(read_text(result, "body", "", MalformedResponse), "body", MalformedResponse)
    return HTTPResponse(status, headers, body)


def _rest_status(result: dict[str, Any]) -> int:
    if not result:
        raise MalformedResponse("response", "is an empty object")
    for member in result:
        if member not in _RESPONSE_MEMBERS:
            raise MalformedResponse(member, "is no member of a proxy integration's response")
    status = result.get("statusCode")
    return 200 if status is None else read_status(status, "statusCode")
