"""Application Load Balancers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import (
    forwarded,
    queries,
    repeatable,
    requests,
    responses,
    with_headers,
)
from warmstart.events import alb
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import HTTPRequest, HTTPResponse

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/things/6d0ecf831eec9f09"


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


REQUEST = HTTPRequest(
    method="POST",
    path="/café/a/b",
    raw_path=b"/caf%C3%A9/a%2Fb",
    query_string=b"tag=b%20c&sum=1%2B1",
    headers=[
        (b"accept", b"*/*"),
        (b"content-length", b"3"),
        (b"content-type", b"image/png"),
        (b"cookie", b"theme=dark"),
        (b"host", b"things-1234567.eu-west-1.elb.amazonaws.com"),
        (b"user-agent", b"curl/8.10.1"),
        (b"x-amzn-trace-id", b"Root=1-69ce31a0-38502a633a55086f005d772f"),
        (b"x-forwarded-for", b"10.0.0.1, 203.0.113.75"),
        (b"x-forwarded-port", b"80"),
        (b"x-forwarded-proto", b"http"),
    ],
    body=b"\x00\xff\x80",
    scheme="http",
    client=("203.0.113.75", 0),
    server=("things-1234567.eu-west-1.elb.amazonaws.com", 80),
)


def test_an_event_with_single_values_is_decoded() -> None:
    assert alb.decode_event(golden.alb()) == REQUEST


def test_an_event_with_arrays_is_decoded() -> None:
    request = alb.decode_event(golden.alb_multi_value())

    assert request.query_string == b"tag=a&tag=b%20c&sum=1%2B1"
    # HTTP/2 sends cookies apart. Frameworks read one header of them.
    cookie = (b"cookie", b"session=1; theme=dark")
    assert request.headers == [cookie if pair[0] == b"cookie" else pair for pair in REQUEST.headers]


def test_an_event_with_single_values_is_built() -> None:
    sent = replace(
        REQUEST,
        query_string=b"tag=a&tag=b%20c&sum=1%2B1",
        headers=[
            (b"accept", b"text/html"),
            (b"accept", b"*/*"),
            (b"content-length", b"3"),
            (b"content-type", b"image/png"),
            (b"cookie", b"theme=dark"),
            (b"host", b"things-1234567.eu-west-1.elb.amazonaws.com"),
            (b"transfer-encoding", b"chunked"),
            (b"user-agent", b"curl/8.10.1"),
            (b"x-forwarded-for", b"10.0.0.1"),
        ],
    )
    trace_id = "Root=1-69ce31a0-38502a633a55086f005d772f"

    assert alb.build_event(sent, target_group_arn=ARN, trace_id=trace_id) == golden.alb()


def test_an_event_with_arrays_is_built() -> None:
    event = alb.build_event(
        replace(REQUEST, query_string=b"tag=a&tag=b%20c&sum=1%2B1", client=("10.9.8.7", 1)),
        target_group_arn=ARN,
        multi_value=True,
    )

    assert "headers" not in event
    assert "queryStringParameters" not in event
    assert event["multiValueQueryStringParameters"] == {"tag": ["a", "b%20c"], "sum": ["1%2B1"]}
    assert event["multiValueHeaders"]["x-forwarded-for"] == ["10.0.0.1, 203.0.113.75, 10.9.8.7"]
    assert event["multiValueHeaders"]["accept"] == ["*/*"]


def test_a_health_check_is_decoded() -> None:
    event = {
        "requestContext": {"elb": {"targetGroupArn": ARN}},
        "httpMethod": "GET",
        "path": "/health",
        "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"},
        "body": "",
        "isBase64Encoded": False,
    }

    assert alb.decode_event(event) == HTTPRequest(
        "GET", "/health", b"/health", headers=[(b"user-agent", b"ELB-HealthChecker/2.0")]
    )


def test_an_empty_body_is_text() -> None:
    event = alb.build_event(HTTPRequest("GET", "/", b"/"), target_group_arn=ARN)

    assert (event["body"], event["isBase64Encoded"]) == ("", False)


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if alb.matches(make())}

    assert matching == {"alb", "alb_multi_value"}


# The version of HTTP is told nowhere. Of repeated headers and query parameters
# only the last arrives.
@given(requests(query=queries(encoded=False, repeats=False), repeats=False))
@repeatable
def test_any_request_is_carried_with_single_values(request: HTTPRequest) -> None:
    request = replace(request, http_version="1.1")

    event = through_json(alb.build_event(request, target_group_arn=ARN))

    assert alb.matches(event)
    assert alb.decode_event(event) == with_headers(request, forwarded(request))


# The version of HTTP is told nowhere. What has one name comes together.
@given(requests(query=queries(encoded=False, repeats=True), repeats=True))
@repeatable
def test_any_request_is_carried_with_arrays(request: HTTPRequest) -> None:
    request = replace(request, http_version="1.1")

    event = through_json(alb.build_event(request, target_group_arn=ARN, multi_value=True))

    assert alb.matches(event)
    assert alb.decode_event(event) == with_headers(request, forwarded(request))


# Repeats are joined, but cookies are not.
@given(responses(repeats=False))
@repeatable
def test_any_response_is_carried_with_single_values(response: HTTPResponse) -> None:
    result = through_json(alb.build_response(response, golden.alb()))

    assert "multiValueHeaders" not in result
    assert alb.decode_response(result) == response


# What has one name comes together.
@given(responses(repeats=True))
@repeatable
def test_any_response_is_carried_with_arrays(response: HTTPResponse) -> None:
    result = through_json(alb.build_response(response, golden.alb_multi_value()))

    assert "headers" not in result
    assert alb.decode_response(result, multi_value=True) == response


def test_a_response_has_a_description_and_every_cookie_a_key() -> None:
    response = HTTPResponse(
        404,
        [
            (b"content-type", b"text/plain"),
            (b"vary", b"accept"),
            (b"vary", b"cookie"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"set-cookie", b"c=3"),
        ],
        b"no",
    )

    result = alb.build_response(response, golden.alb())

    headers = result.pop("headers")
    assert result == {
        "statusCode": 404,
        "statusDescription": "404 Not Found",
        "body": "no",
        "isBase64Encoded": False,
    }
    assert (headers.pop("content-type"), headers.pop("vary")) == ("text/plain", "accept, cookie")
    assert {name.lower() for name in headers} == {"set-cookie"}
    assert list(headers.values()) == ["a=1", "b=2", "c=3"]


def test_a_status_that_no_rfc_names_describes_itself() -> None:
    assert alb.status_description(599) == "599"


@pytest.mark.parametrize("event", [None, {"headers": {}}, {"multiValueHeaders": None}])
def test_without_arrays_in_the_event_there_are_none_in_the_response(event: object) -> None:
    assert alb.build_response(HTTPResponse(200), event)["headers"] == {}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("event", lambda event: None),
        ("httpMethod", lambda event: event | {"httpMethod": 1}),
        ("path", lambda event: event | {"path": 1}),
        ("headers", lambda event: event | {"headers": "x"}),
        ("headers.x", lambda event: event | {"headers": {"x": []}}),
        ("multiValueHeaders.x", lambda event: event | {"multiValueHeaders": {"x": {}}}),
        ("queryStringParameters", lambda event: event | {"queryStringParameters": 1}),
        ("queryStringParameters", lambda event: event | {"queryStringParameters": {"\ud800": ""}}),
        ("isBase64Encoded", lambda event: event | {"isBase64Encoded": 1}),
    ],
)
def test_a_malformed_event_names_its_field(field: str, change: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        alb.decode_event(change(golden.alb()))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "result"),
    [
        ("response", None),
        ("statusCode", {}),
        ("headers.x", {"statusCode": 200, "headers": {"x": []}}),
        ("body", {"statusCode": 200, "body": 1}),
    ],
)
def test_a_malformed_response_names_its_field(field: str, result: object) -> None:
    with pytest.raises(MalformedResponse) as caught:
        alb.decode_response(result)

    assert caught.value.field == field
