"""VPC Lattice, event structure V2: arrays of values, and a context.

AWS does not say whether the path and the query come encoded, so both are taken
as they are and only made sound. Older samples have strings where arrays belong;
both are read. Who the client is only `x-forwarded-for` tells. Responses are
those of V1.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from __future__ import annotations

from warmstart.events.body import decode_body, encode_body, request_is_text
from warmstart.events.fields import read_text, require_object, require_text
from warmstart.events.headers import decode_list_map, end_to_end, listed
from warmstart.events.http import HTTPRequest
from warmstart.events.lattice_v1 import STREAMS, build_response, decode_response
from warmstart.events.origin import forwarded_client, forwarded_headers, origin_of
from warmstart.events.paths import decode_path, target_text
from warmstart.events.queries import quote_query, read_pairs, split_query
from warmstart.events.source import Source, detect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "STREAMS",
    "build_event",
    "build_response",
    "decode_event",
    "decode_response",
    "matches",
]


def matches(event: Any) -> bool:
    """Whether `event` is VPC Lattice's, with event structure V2."""
    return detect(event) is Source.LATTICE_V2


def decode_event(event: Any) -> HTTPRequest:
    """The request that `event` carries.

    Raises:
        MalformedEvent: a part of `event` cannot be read; the error names it.
    """
    event = require_object(event, "event")
    headers = decode_list_map(event.get("headers"), "headers")
    path, raw_path = decode_path(read_text(event, "path") or "/", "path")
    query = read_pairs(event, "queryStringParameters", "queryStringParameters")
    scheme, server = origin_of(headers)
    return HTTPRequest(
        method=require_text(event, "method").upper(),
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
    request: HTTPRequest,
    *,
    time: float,
    service_network_arn: str,
    service_arn: str,
    target_group_arn: str,
    region: str,
    identity: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The event in which VPC Lattice hands `request` to a function.

    Args:
        request: The request.
        time: Seconds since the epoch.
        service_network_arn: The service network that the request came through.
        service_arn: The service that it was for.
        target_group_arn: The target group that the function is in.
        region: The region of them all.
        identity: Who sent it: `sourceVpcArn`, and after IAM's check `type`,
            `principal` and more.
    """
    headers = listed(end_to_end(request.headers))
    headers |= {name: [value] for name, value in forwarded_headers(request).items()}
    text = not request.body or request_is_text(request.headers)
    body, encoded = encode_body(request.body, text=text)
    return {
        "version": "2.0",
        "path": target_text(request.raw_path),
        "method": request.method,
        "headers": headers,
        "queryStringParameters": split_query(request.query_string),
        "body": body,
        "isBase64Encoded": encoded,
        "requestContext": {
            "serviceNetworkArn": service_network_arn,
            "serviceArn": service_arn,
            "targetGroupArn": target_group_arn,
            "identity": identity or {},
            "region": region,
            "timeEpoch": str(int(time * 1_000_000)),
        },
    }
