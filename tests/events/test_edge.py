"""Lambda@Edge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import RAW_QUERIES, repeatable, requests, responses
from warmstart.events import edge
from warmstart.events.errors import MalformedEvent, MalformedResponse, ResponseTooLarge
from warmstart.events.http import HTTPRequest, HTTPResponse

DOMAIN = "d111111abcdef8.cloudfront.net"


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def changed(**members: Any) -> dict[str, Any]:
    """The golden event with other members in its request."""
    event = golden.edge()
    event["Records"][0]["cf"]["request"] |= members
    return event


REQUEST = HTTPRequest(
    method="POST",
    path="/café/a/b",
    raw_path=b"/caf%C3%A9/a%2Fb",
    query_string=b"tag=a&tag=b%20c",
    headers=[
        (b"host", b"things.example"),
        (b"user-agent", b"curl/8.10.1"),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ],
    body=b'{"name":"Ada"}',
    client=("2001:db8::9652", 0),
    server=("things.example", 443),
)


def test_an_event_is_decoded() -> None:
    assert edge.decode_event(golden.edge()) == REQUEST


def test_an_event_is_built() -> None:
    hidden = [(b"x-forwarded-proto", b"https"), (b"connection", b"close"), (b"x-edge-a", b"b")]
    event = edge.build_event(
        replace(REQUEST, headers=REQUEST.headers + hidden),
        request_id="4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26Clko==",
        distribution_domain_name=DOMAIN,
    )

    # The case in which a client wrote its headers is lost on the way here.
    expected = golden.edge()
    for entries in expected["Records"][0]["cf"]["request"]["headers"].values():
        for entry in entries:
            entry["key"] = entry["key"].lower()
    assert event == expected


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if edge.matches(make())}

    assert matching == {"edge"}
    assert not edge.matches({"Records": [{"cf": {"request": {}, "response": {}}}]})


# The event tells neither scheme nor port nor version of HTTP. What has one name
# comes together.
@given(
    requests(query=RAW_QUERIES, repeats=True), st.sampled_from(["viewer-request", "origin-request"])
)
@repeatable
def test_any_request_is_carried(request: HTTPRequest, event_type: Any) -> None:
    assert request.server
    server = (request.server[0], 443)
    request = replace(request, scheme="https", http_version="1.1", server=server)

    event = edge.build_event(
        request, request_id="id", distribution_domain_name=DOMAIN, event_type=event_type
    )

    assert edge.matches(event)
    assert edge.decode_event(through_json(event)) == request


# What has one name comes together. A 204 has no body, or CloudFront answers 502.
@given(responses(repeats=True))
@repeatable
def test_any_response_is_carried(response: HTTPResponse) -> None:
    if response.status == 204:
        response = replace(response, body=b"")

    assert edge.decode_response(through_json(edge.build_response(response))) == response


@pytest.mark.parametrize(
    ("event_type", "limit"), [("viewer-request", 40 * 1024), ("origin-request", 1024 * 1024)]
)
def test_a_long_body_is_cut_and_then_refused(event_type: Any, limit: int) -> None:
    def built(size: int) -> dict[str, Any]:
        request = replace(REQUEST, body=bytes(size))
        return edge.build_event(
            request, request_id="id", distribution_domain_name=DOMAIN, event_type=event_type
        )

    assert len(edge.decode_event(built(limit)).body) == limit
    cut = built(limit + 1)["Records"][0]["cf"]["request"]["body"]
    assert cut["inputTruncated"] is True
    with pytest.raises(MalformedEvent, match="was cut by CloudFront") as caught:
        edge.decode_event(built(limit + 1))
    assert caught.value.field == "Records[0].cf.request.body"


def test_a_request_without_optional_members_is_decoded() -> None:
    event = {"Records": [{"cf": {"request": {"method": "GET"}}}]}

    assert edge.decode_event(event) == HTTPRequest("GET", "/", b"/")


def test_without_a_client_and_a_body_there_are_none_in_the_event() -> None:
    event = edge.build_event(
        HTTPRequest("GET", "/", b"/"), request_id="id", distribution_domain_name=DOMAIN
    )

    request = event["Records"][0]["cf"]["request"]
    assert request["clientIp"] == ""
    assert "body" not in request


def test_without_a_host_the_distribution_is_the_server() -> None:
    assert edge.decode_event(changed(headers={})).server == (DOMAIN, 443)


def test_the_scheme_is_what_cloudfront_forwards() -> None:
    headers = {"cloudfront-forwarded-proto": [{"value": "http"}], "host": [{"value": "a.b"}]}

    request = edge.decode_event(changed(headers=headers))

    assert (request.scheme, request.server) == ("http", ("a.b", 80))


def test_cookies_become_one_header() -> None:
    headers = {"cookie": [{"value": "a=1"}, {"value": "b=2"}]}

    assert edge.decode_event(changed(headers=headers)).headers == [(b"cookie", b"a=1; b=2")]


def test_a_body_may_be_text() -> None:
    assert edge.decode_event(changed(body={"encoding": "text", "data": "é"})).body == "é".encode()


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("event", []),
        ("Records", {"Records": {}}),
        ("Records[0]", {"Records": []}),
        ("Records[0].cf", {"Records": [{"cf": 1}]}),
        ("Records[0].cf.request", {"Records": [{"cf": {"request": []}}]}),
        ("Records[0].cf.config", {"Records": [{"cf": {"config": []}}]}),
        ("Records[0].cf.request.method", {"Records": [{"cf": {}}]}),
        ("Records[0].cf.request.uri", changed(uri=1)),
        ("Records[0].cf.request.querystring", changed(querystring="\ud800")),
        ("Records[0].cf.request.clientIp", changed(clientIp=1)),
        ("Records[0].cf.request.headers", changed(headers=[])),
        ("Records[0].cf.request.headers.x", changed(headers={"x": "y"})),
        ("Records[0].cf.request.headers.x", changed(headers={"x": ["y"]})),
        ("Records[0].cf.request.headers.x", changed(headers={"x": [{"key": "x"}]})),
        ("Records[0].cf.request.body", changed(body="x")),
        ("Records[0].cf.request.body.inputTruncated", changed(body={"inputTruncated": 1})),
        ("Records[0].cf.request.body.data", changed(body={"encoding": "base64", "data": "A"})),
        ("Records[0].cf.request.body.data", changed(body={"encoding": "gzip", "data": "A"})),
    ],
)
def test_a_malformed_event_names_its_field(field: str, event: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        edge.decode_event(event)

    assert caught.value.field == field


# Responses


def test_a_response_is_built_without_what_cloudfront_forbids() -> None:
    response = HTTPResponse(
        200,
        [
            (b"content-type", b"image/png"),
            (b"content-length", b"2"),
            (b"transfer-encoding", b"chunked"),
            (b"connection", b"close"),
            (b"via", b"1.1 proxy"),
            (b"x-cache", b"Hit"),
            (b"x-amz-cf-pop", b"DUB2"),
            (b"x-accel-redirect", b"/x"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ],
        b"\x00\xff",
    )

    assert edge.build_response(response, golden.edge()) == {
        "status": "200",
        "statusDescription": "OK",
        "headers": {
            "content-type": [{"key": "content-type", "value": "image/png"}],
            "set-cookie": [
                {"key": "set-cookie", "value": "a=1"},
                {"key": "set-cookie", "value": "b=2"},
            ],
        },
        "body": "AP8=",
        "bodyEncoding": "base64",
    }


def test_text_is_marked_as_text() -> None:
    result = edge.build_response(HTTPResponse(200, [(b"content-type", b"text/plain")], b"hi"))

    assert (result["body"], result["bodyEncoding"]) == ("hi", "text")


def test_a_204_has_no_body() -> None:
    result = edge.build_response(HTTPResponse(204, [], b"hi"))

    assert result == {"status": "204", "statusDescription": "No Content", "headers": {}}


def test_a_status_that_no_rfc_names_has_no_description() -> None:
    assert edge.build_response(HTTPResponse(599)) == {"status": "599", "headers": {}}


def test_only_the_status_of_a_response_is_required() -> None:
    assert edge.decode_response({"status": "302"}) == HTTPResponse(302)


@pytest.mark.parametrize(
    ("field", "result"),
    [
        ("response", None),
        ("status", {}),
        ("status", {"uri": "/x", "method": "GET"}),  # the request, let go on
        ("headers", {"status": "200", "headers": []}),
        ("headers.x", {"status": "200", "headers": {"x": "y"}}),
        ("headers.x", {"status": "200", "headers": {"x": [{"value": 1}]}}),
        (
            "headers.content-length",
            {"status": "200", "headers": {"Content-Length": [{"value": "1"}]}},
        ),
        ("headers.x-edge-y", {"status": "200", "headers": {"x-edge-y": [{"value": "1"}]}}),
        ("body", {"status": "204", "body": "x"}),
        ("body", {"status": "200", "body": "A", "bodyEncoding": "base64"}),
        ("body", {"status": "200", "body": "A", "bodyEncoding": "gzip"}),
        ("bodyEncoding", {"status": "200", "body": "A", "bodyEncoding": 1}),
    ],
)
def test_a_malformed_response_names_its_field(field: str, result: object) -> None:
    with pytest.raises(MalformedResponse) as caught:
        edge.decode_response(result)

    assert caught.value.field == field


@pytest.mark.parametrize("event", [None, {}, {"Records": []}, {"Records": [{"cf": None}]}])
def test_of_an_unknown_trigger_the_larger_limit_holds(event: Any) -> None:
    edge.build_response(HTTPResponse(200, body=b"x" * 1024 * 1024), event)

    with pytest.raises(ResponseTooLarge, match="1 MB"):
        edge.build_response(HTTPResponse(200, body=b"x" * 1024 * 1024 + b"y"), event)
