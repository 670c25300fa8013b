"""Lambda@Edge: a CloudFront viewer request or origin request, answered by the function itself.

Headers are lists under lower-case names, with the name as it was sent in `key`.
The body is there if the trigger includes it, and CloudFront cuts a long one. It
answers 502 to a response that sets headers which are not the function's to set,
so these are left out.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
"""

from __future__ import annotations

from http import HTTPStatus

from warmstart.events.body import decode_base64, encode_base64, encode_body, is_text
from warmstart.events.errors import MalformedEvent, MalformedResponse, ResponseTooLarge
from warmstart.events.fields import (
    expected,
    read_flag,
    read_list,
    read_object,
    read_text,
    require_object,
    require_text,
    utf8,
)
from warmstart.events.headers import end_to_end, request_pairs, response_pair
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.origin import origin
from warmstart.events.paths import decode_path, target_text
from warmstart.events.source import Source, detect
from warmstart.events.status import read_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from warmstart.events.body import IsText
    from warmstart.events.fields import Malformed
    from warmstart.events.http import Headers

__all__ = [
    "STREAMS",
    "build_event",
    "build_response",
    "decode_event",
    "decode_response",
    "is_forbidden",
    "matches",
]

STREAMS = False

_HIDDEN = frozenset(
    {
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"trailer",
        b"upgrade",
        b"x-amzn-auth",
        b"x-amzn-errortype",
        b"x-amzn-fle-profile",
        b"x-amzn-lambda-integration-tag",
        b"x-amzn-requestid",
        b"x-cache",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
_HIDDEN_PREFIXES = (
    b"x-accel-",
    b"x-amz-cf-",
    b"x-amzn-cf-",
    b"x-amzn-header-",
    b"x-edge-",
)

# Read-only in a viewer request or in an origin request, the two that are answered.
_READ_ONLY = frozenset(
    {
        b"accept-encoding",
        b"content-length",
        b"host",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"transfer-encoding",
        b"via",
    }
)

# Bytes of a request's body after which CloudFront cuts it, and of a response, headers
# included, beyond which it answers 502.
_LIMITS = {"viewer-request": 40 * 1024, "origin-request": 1024 * 1024}

_REQUEST = "Records[0].cf.request"


def matches(event: Any) -> bool:
    """Whether `event` is a viewer request or an origin request of CloudFront's."""
    return detect(event) is Source.EDGE


def is_forbidden(name: bytes) -> bool:
    """Whether a response must not set this header, on pain of 502."""
    return name in _READ_ONLY or _is_hidden(name)


def _is_hidden(name: bytes) -> bool:
    return name in _HIDDEN or name.startswith(_HIDDEN_PREFIXES)


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    Raises:
        MalformedEvent: a part of `event` cannot be read, or CloudFront has cut the
            body; the error names it.
    """
    records = read_list(require_object(event, "event"), "Records")
    record = require_object(records[0] if records else None, "Records[0]")
    edge = read_object(record, "cf", "Records[0].")
    request = read_object(edge, "request", "Records[0].cf.")
    config = read_object(edge, "config", "Records[0].cf.")
    domain = read_text(config, "distributionDomainName", "Records[0].cf.config.")
    where = f"{_REQUEST}."
    headers = _read_headers(request, where)
    found = dict(headers)
    # The scheme is told only to functions whose origin request policy asks for it.
    scheme, server = origin(
        found.get(b"cloudfront-forwarded-proto", b"").decode("latin-1"),
        "",
        found.get(b"host", b"").decode("latin-1") or domain,
    )
    path, raw_path = decode_path(read_text(request, "uri", where) or "/", f"{where}uri")
    client = read_text(request, "clientIp", where)
    return HTTPRequest(
        method=require_text(request, "method", where).upper(),
        path=path,
        raw_path=raw_path,
        query_string=utf8(read_text(request, "querystring", where), f"{where}querystring"),
        headers=headers,
        body=_read_request_body(read_object(request, "body", where)),
        scheme=scheme,
        client=(client, 0) if client else None,
        server=server,
    )


def _read_headers(request: dict[str, Any], where: str) -> Headers:
    headers: Headers = []
    for name, entries in read_object(request, "headers", where).items():
        field = f"{where}headers.{name}"
        headers += request_pairs(name, _read_entries(entries, field, MalformedEvent), field)
    return headers


def _read_entries(entries: object, field: str, error: Malformed) -> list[object]:
    """The values of one header: of each of its entries, `{"key": …, "value": …}`."""
    if not isinstance(entries, list):
        raise error(field, expected("an array", entries))
    return [require_object(entry, field, error).get("value") for entry in entries]


def _read_request_body(body: dict[str, Any]) -> bytes:
    where = f"{_REQUEST}.body."
    if read_flag(body, "inputTruncated", where):
        raise MalformedEvent(f"{_REQUEST}.body", "was cut by CloudFront because of its size")
    encoding = read_text(body, "encoding", where)
    return _decode(read_text(body, "data", where), encoding, f"{where}data", MalformedEvent)


def _decode(text: str, encoding: str, field: str, error: Malformed) -> bytes:
    if encoding == "base64":
        return decode_base64(text, field, error)
    if encoding in ("", "text"):
        return utf8(text, field, error)
    raise error(field, f"has the unknown encoding {encoding!r}")


def build_event(
    request: HTTPRequest,
    *,
    request_id: str,
    distribution_domain_name: str,
    distribution_id: str = "EDFDVBD6EXAMPLE",
    event_type: Literal["viewer-request", "origin-request"] = "viewer-request",
) -> dict[str, Any]:
    """The event in which CloudFront hands `request` to a function, its body included.

    Args:
        request: The request.
        request_id: CloudFront's id of it.
        distribution_domain_name: The distribution's own domain.
        distribution_id: The distribution.
        event_type: The trigger. Of a viewer request's body it passes on 40 KB, of
            an origin request's 1 MB.
    """
    headers: dict[str, list[dict[str, str]]] = {}
    for name, value in end_to_end(request.headers):
        if not _is_hidden(name):
            entry = {"key": name.decode("latin-1"), "value": value.decode("latin-1")}
            headers.setdefault(entry["key"], []).append(entry)
    sent: dict[str, Any] = {
        "clientIp": request.client[0] if request.client else "",
        "headers": headers,
        "method": request.method,
        "querystring": target_text(request.query_string),
        "uri": target_text(request.raw_path),
    }
    if request.body:
        limit = _LIMITS[event_type]
        sent["body"] = {
            "inputTruncated": len(request.body) > limit,
            "action": "read-only",
            "encoding": "base64",
            "data": encode_base64(request.body[:limit]),
        }
    config = {
        "distributionDomainName": distribution_domain_name,
        "distributionId": distribution_id,
        "eventType": event_type,
        "requestId": request_id,
    }
    return {"Records": [{"cf": {"config": config, "request": sent}}]}


def build_response(
    response: HTTPResponse, event: Any = None, *, is_text: IsText = is_text
) -> dict[str, Any]:
    """What a function returns to answer `event` with `response`.

    Headers that CloudFront lets no function set are left out, `content-length`
    among them, and so is the body of a 204. `is_text` tells whether the body
    goes as text.

    Raises:
        ResponseTooLarge: it has more than the trigger of `event` takes.
    """
    _check_size(response, event)
    headers: dict[str, list[dict[str, str]]] = {}
    for name, value in response.headers:
        if not is_forbidden(name):
            entry = {"key": name.decode("latin-1"), "value": value.decode("latin-1")}
            headers.setdefault(entry["key"], []).append(entry)
    result: dict[str, Any] = {"status": str(response.status), "headers": headers}
    try:
        result["statusDescription"] = HTTPStatus(response.status).phrase
    except ValueError:  # a status that no RFC names
        pass
    if response.body and response.status != HTTPStatus.NO_CONTENT:
        body, encoded = encode_body(response.body, text=is_text(response))
        result |= {"body": body, "bodyEncoding": "base64" if encoded else "text"}
    return result


def _check_size(response: HTTPResponse, event: Any) -> None:
    size = len(response.body) + sum(len(name) + len(value) for name, value in response.headers)
    if size <= _LIMITS["viewer-request"]:
        return
    if _is_viewer_request(event):
        raise ResponseTooLarge(
            f"The response is too large: it has {size} bytes, headers included, and CloudFront "
            "takes 40 KB from a function at a viewer request. Send less, or answer at the origin "
            "request, which takes 1 MB."
        )
    if size > _LIMITS["origin-request"]:
        raise ResponseTooLarge(
            f"The response is too large: it has {size} bytes, headers included, and CloudFront "
            "takes 1 MB from a function at an origin request. Send less, or make a Function URL "
            "the origin."
        )


def _is_viewer_request(event: Any) -> bool:
    try:
        return bool(event["Records"][0]["cf"]["config"]["eventType"] == "viewer-request")
    except (LookupError, TypeError):
        return False  # then the larger limit is the one that certainly holds


def decode_response(result: Any) -> HTTPResponse:
    """What CloudFront makes of a function's `result`, which may be any JSON value.

    A function may also return the request, to let it go on; that is no response.

    Raises:
        MalformedResponse: CloudFront could not answer with this; it says 502.
    """
    result = require_object(result, "response", MalformedResponse)
    status = read_status(result.get("status"), "status")
    headers: Headers = []
    for name, entries in read_object(result, "headers", "", MalformedResponse).items():
        field = f"headers.{name}"
        values = _read_entries(entries, field, MalformedResponse)
        headers += [response_pair(name, value, field) for value in values]
    for forbidden in (name for name, _ in headers if is_forbidden(name)):
        raise MalformedResponse(f"headers.{forbidden.decode()}", "is not the function's to set")
    encoding = read_text(result, "bodyEncoding", "", MalformedResponse)
    text = read_text(result, "body", "", MalformedResponse)
    if text and status == HTTPStatus.NO_CONTENT:
        raise MalformedResponse("body", "must be absent from a 204")
    return HTTPResponse(status, headers, _decode(text, encoding, "body", MalformedResponse))
