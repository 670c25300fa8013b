"""Payload format 2.0: HTTP APIs and Lambda Function URLs.

The two differ in few places, and the domain tells them apart, in both
directions. A Function URL's `rawPath` is percent-encoded, an HTTP API's is
decoded and begins with the stage, unless that is `$default`. So it does on a
custom domain, although the client's path has no stage there, but perhaps a base
path, which is nowhere in the event. Both list the cookies in `cookies`; a
Function URL leaves the `cookie` header in its place too. Repeated headers are
one, joined with commas, so a request comes back with one header of each name.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

from warmstart.events.body import decode_body, encode_body, is_text, request_is_text
from warmstart.events.errors import MalformedResponse
from warmstart.events.fields import (
    read_list,
    read_object,
    read_text,
    require_object,
    require_text,
    utf8,
)
from warmstart.events.headers import (
    JSON,
    TEXT,
    decode_map,
    end_to_end,
    header_bytes,
    joined,
    response_cookies,
    response_map,
    typed,
)
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.origin import forwarded_headers, origin, origin_of
from warmstart.events.paths import decode_path, encode_path, stage_root, target_text
from warmstart.events.protocol import http_version, protocol
from warmstart.events.queries import parse_query
from warmstart.events.source import FUNCTION_URL_DOMAIN, Source, detect
from warmstart.events.status import read_status
from warmstart.events.timestamps import request_time

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

_API_DOMAIN = ".execute-api."

STREAMS = True
"""A Function URL can take a streamed response. An HTTP API never asks for one."""


def matches(event: Any) -> bool:
    """Whether `event` comes from an HTTP API with payload format 2.0 or from a Function URL."""
    return detect(event) in (Source.FUNCTION_URL, Source.HTTP_V2)


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    context = read_object(event, "requestContext")
    http = read_object(context, "http", "requestContext.")
    domain = read_text(context, "domainName", "requestContext.")
    path, raw_path, root_path, base_path_hidden = _read_paths(event, context, domain)
    sent = event.get("headers")
    headers = decode_map(sent, "headers")
    if event.get("cookies") and not (sent and "cookie" in sent):
        headers.append((b"cookie", _cookie_header(event)))
    if sent and "host" in sent:
        scheme, server = origin(
            sent.get("x-forwarded-proto", ""), sent.get("x-forwarded-port", ""), sent["host"]
        )
    else:  # names in another case than AWS writes them
        scheme, server = origin_of(headers, domain)
    source_ip = read_text(http, "sourceIp", "requestContext.http.")
    return HTTPRequest(
        require_text(http, "method", "requestContext.http.").upper(),
        path,
        raw_path,
        utf8(read_text(event, "rawQueryString"), "rawQueryString"),
        headers,
        decode_body(event),
        scheme,
        http_version(read_text(http, "protocol", "requestContext.http.")),
        (source_ip, 0) if source_ip else None,
        server,
        root_path,
        base_path_hidden,
    )


def _read_paths(
    event: dict[str, Any], context: dict[str, Any], domain: str
) -> tuple[str, bytes, str, bool]:
    """The decoded path, the raw path and the root path, and whether a base path is in none."""
    raw = read_text(event, "rawPath") or "/"
    if FUNCTION_URL_DOMAIN in domain:
        return *decode_path(raw, "rawPath"), "", False
    root = stage_root(raw, read_text(context, "stage", "requestContext."))
    custom = _is_custom(domain)
    if custom:
        raw, root = raw[len(root) :] or "/", ""
    return raw, encode_path(raw, "rawPath"), root, custom


def _is_custom(domain: str) -> bool:
    """Whether `domain` is one of the API owner's; an API's own tells where it runs."""
    return "." in domain and _API_DOMAIN not in domain


def _cookie_header(event: dict[str, Any]) -> bytes:
    cookies = read_list(event, "cookies")
    try:
        return "; ".join(cookies).encode("latin-1")
    except (TypeError, UnicodeEncodeError):  # one is no string, or not latin-1
        return b"; ".join([header_bytes(cookie, "cookies") for cookie in cookies])


def build_event(
    request: HTTPRequest,
    *,
    request_id: str,
    time: float,
    domain_name: str,
    stage: str = "$default",
    route_key: str = "$default",
    trace_id: str = "",
) -> dict[str, Any]:
    """The event in which a front door hands `request` to a function.

    Hop-by-hop headers end here, and the front door's own are added:
    `x-forwarded-*`, `x-amzn-trace-id`, and a Function URL's `x-amzn-tls-*`. What
    only a route or an authorizer knows (`pathParameters`, `stageVariables`,
    `requestContext.accountId` and `.authorizer`) is the gateway's to set in the
    result.

    Args:
        request: The request. On an API's own domain its path has the stage in it,
            unless that is `$default`; on a custom one neither stage nor base path.
        request_id: For a Function URL, the invocation's own.
        time: Seconds since the epoch.
        domain_name: With `.lambda-url.` in it, the event is a Function URL's.
        stage: The HTTP API's stage.
        route_key: The HTTP API's route.
        trace_id: The value of `x-amzn-trace-id`; without one the header is left out.
    """
    is_url = FUNCTION_URL_DOMAIN in domain_name
    path = request.path
    if not is_url and stage != "$default" and _is_custom(domain_name):
        path = f"/{stage}{path}"
    headers = joined(end_to_end(request.headers), ",")
    cookies = [crumb for part in headers.get("cookie", "").split(";") if (crumb := part.strip())]
    if not is_url:
        headers.pop("cookie", None)
    headers |= _added_headers(request, trace_id, is_url=is_url)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": target_text(request.raw_path) if is_url else path,
        "rawQueryString": target_text(request.query_string),
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": domain_name.partition(".")[0],
            "domainName": domain_name,
            "domainPrefix": domain_name.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": protocol(request.http_version),
                "sourceIp": request.client[0] if request.client else "",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": stage,
            "time": request_time(time),
            "timeEpoch": int(time * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if query := parse_query(request.query_string):
        event["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    if request.body:
        text = request_is_text(request.headers)
        event["body"], event["isBase64Encoded"] = encode_body(request.body, text=text)
    return event


def _added_headers(request: HTTPRequest, trace_id: str, *, is_url: bool) -> dict[str, str]:
    added = forwarded_headers(request)
    if trace_id:
        added["x-amzn-trace-id"] = trace_id
    if is_url and request.scheme == "https":
        added["x-amzn-tls-cipher-suite"] = "TLS_AES_128_GCM_SHA256"
        added["x-amzn-tls-version"] = "TLSv1.3"
    return added


def build_response(
    response: HTTPResponse, event: Any = None, *, is_text: IsText = is_text
) -> dict[str, Any]:
    """What a function returns to answer with `response`. `event` makes no difference here.

    `is_text` tells whether the body goes as text.
    """
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in response.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        if key == "set-cookie":
            cookies.append(text)
        elif key in headers:
            headers[key] = f"{headers[key]}, {text}"
        else:
            headers[key] = text
    body, encoded = encode_body(response.body, text=is_text(response))
    result: dict[str, Any] = {
        "statusCode": response.status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": encoded,
    }
    if cookies:
        result["cookies"] = cookies
    return result


def decode_response(result: Any, *, http_api: bool = False) -> HTTPResponse:
    """What the front door makes of a function's `result`, which may be any JSON value.

    A result without `statusCode` is itself the body of a JSON response. A
    response that names no content type gets one: JSON from a Function URL, plain
    text from an HTTP API.

    Args:
        result: What the function returned.
        http_api: Whether an HTTP API asks, and not a Function URL.

    Raises:
        MalformedResponse: the front door could not answer with this; AWS says 502
            for a Function URL, 500 for an HTTP API.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        return HTTPResponse(200, [JSON], _inferred_body(result))
    headers = typed(response_map(result), TEXT if http_api else JSON)
    return HTTPResponse(
        read_status(result["statusCode"], "statusCode"),
        headers + response_cookies(result),
        decode_body(result, error=MalformedResponse),
    )


def _inferred_body(result: Any) -> bytes:
    if isinstance(result, str):
        return utf8(result, "body", MalformedResponse)
    import json

    text = json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    return utf8(text, "body", MalformedResponse)
