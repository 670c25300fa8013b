"""Payload format 1.0, of REST APIs and HTTP APIs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import (
    TEXTS,
    forwarded,
    queries,
    repeatable,
    requests,
    responses,
    with_headers,
)
from warmstart.events import rest
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import Headers, HTTPRequest, HTTPResponse

JSON = (b"content-type", b"application/json")
PLAIN = (b"content-type", b"text/plain; charset=utf-8")


def request(**changes: Any) -> HTTPRequest:
    return replace(HTTPRequest("GET", "/", b"/"), **changes)


def built(request: HTTPRequest, **options: Any) -> dict[str, Any]:
    context: dict[str, Any] = {"domain_name": "abc.example", "stage": "prod"}
    return rest.build_event(request, request_id="id", time=0, **(context | options))


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


# Events, from golden samples

HEADERS: Headers = [
    (b"accept", b"*/*"),
    (b"content-type", b"application/json"),
    (b"cookie", b"session=1; theme=dark"),
    (b"host", b"abc123.execute-api.eu-west-1.amazonaws.com"),
    (b"user-agent", b"curl/8.10.1"),
    (b"x-amzn-trace-id", b"Root=1-69ce31a0-38502a633a55086f005d772f"),
    (b"x-forwarded-for", b"203.0.113.75"),
    (b"x-forwarded-port", b"443"),
    (b"x-forwarded-proto", b"https"),
    (b"x-tag", b"one"),
    (b"x-tag", b"two"),
    (b"content-length", b"14"),
]


def test_a_rest_apis_event_is_decoded() -> None:
    assert rest.decode_event(golden.rest_api()) == HTTPRequest(
        method="POST",
        path="/prod/café/a/b/",
        raw_path=b"/prod/caf%C3%A9/a%2Fb/",
        query_string=b"tag=a&tag=b+c&sum=1%2B1",
        headers=HEADERS,
        body=b'{"name":"Ada"}',
        scheme="https",
        http_version="1.1",
        client=("203.0.113.75", 0),
        server=("abc123.execute-api.eu-west-1.amazonaws.com", 443),
        root_path="/prod",
    )


def test_an_http_apis_event_is_decoded() -> None:
    request = rest.decode_event(golden.http_api_v1())

    assert request.path == "/prod/café/a/b/"
    assert request.raw_path == b"/prod/caf%C3%A9/a/b/"
    assert request.root_path == "/prod"


def test_a_rest_apis_event_is_built() -> None:
    event = rest.build_event(
        HTTPRequest(
            method="POST",
            path="/prod/café/a/b/",
            raw_path=b"/prod/caf%C3%A9/a%2Fb/",
            query_string=b"tag=a&tag=b+c&sum=1%2B1",
            headers=[
                (b"host", b"abc123.execute-api.eu-west-1.amazonaws.com"),
                (b"Accept".lower(), b"*/*"),
                (b"content-type", b"application/json"),
                (b"content-length", b"14"),
                (b"connection", b"x-hop, close"),
                (b"x-hop", b"1"),
                (b"cookie", b"session=1"),
                (b"cookie", b"theme=dark"),
                (b"user-agent", b"curl/8.10.1"),
                (b"x-tag", b"one"),
                (b"x-tag", b"two"),
            ],
            body=b'{"name":"Ada"}',
            client=("203.0.113.75", 50123),
            server=("abc123.execute-api.eu-west-1.amazonaws.com", 443),
            root_path="/prod",
        ),
        request_id="d51cb8b7-2ea2-4d8d-8ad1-3f1a5b6f7b1c",
        time=1783711144.123,
        domain_name="abc123.execute-api.eu-west-1.amazonaws.com",
        stage="prod",
        trace_id="Root=1-69ce31a0-38502a633a55086f005d772f",
    )

    expected = golden.rest_api()
    # Names keep the case that they came in, except for these.
    canonical = ("Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port")
    for headers in (expected["headers"], expected["multiValueHeaders"]):
        for name in list(headers):
            if name not in (*canonical, "X-Forwarded-Proto"):
                headers[name.lower()] = headers.pop(name)
    # What the route adds is the gateway's, and the two ids are one here.
    expected["pathParameters"] = expected["requestContext"]["resourceId"] = None
    expected["requestContext"]["extendedRequestId"] = expected["requestContext"]["requestId"]
    identity = event["requestContext"].pop("identity")
    expected["requestContext"].pop("identity")
    assert event == expected
    assert {name: value for name, value in identity.items() if value} == {
        "sourceIp": "203.0.113.75",
        "userAgent": "curl/8.10.1",
    }


def test_what_is_absent_is_null_in_the_event() -> None:
    event = built(request())

    assert event["body"] is event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["requestContext"]["identity"]["sourceIp"] == ""


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if rest.matches(make())}

    assert matching == {"rest_api", "http_api_v1"}


# Round trips


# The query is a decoded map: the values of one name come together, in one of the
# ways to encode them. The path cannot begin with two slashes: API Gateway makes
# them one. `Content-Length` is not in the event, so it comes back at the end.
# The port of the client is told to nobody.
@given(requests(query=queries(encoded=True, repeats=True), repeats=True), st.booleans())
@repeatable
def test_a_rest_api_carries_any_request(request: HTTPRequest, by_own_domain: bool) -> None:
    raw_path = b"/" + request.raw_path.lstrip(b"/")
    path = "/" + request.path.lstrip("/") if raw_path != request.raw_path else request.path
    root_path = "/prod" if by_own_domain else ""
    request = replace(
        request,
        raw_path=root_path.encode() + raw_path,
        path=root_path + path,
        root_path=root_path,
    )
    length = [(b"content-length", str(len(request.body)).encode())] if request.body else []

    event = through_json(built(with_headers(request, length), binary_media_types=["*/*"]))

    assert rest.matches(event)
    assert rest.decode_event(event) == with_headers(request, forwarded(request) + length)


# As above, but the path comes decoded, with the stage; and all headers arrive.
@given(requests(query=queries(encoded=True, repeats=True), repeats=True))
@repeatable
def test_an_http_api_carries_any_request(request: HTTPRequest) -> None:
    path = f"/prod{request.path}"
    raw_path = quote(path, safe="/-._~!$&'()*+,;=:@").encode()
    request = replace(request, path=path, raw_path=raw_path, root_path="/prod")
    length = (b"content-length", str(len(request.body)).encode())
    request = with_headers(request, [length])

    event = through_json(built(request, http_api=True))

    assert rest.matches(event)
    assert rest.decode_event(event) == with_headers(request, forwarded(request))


# Without binary media types a REST API takes every body for UTF-8.
@given(TEXTS)
@repeatable
def test_a_rest_api_carries_any_text(text: str) -> None:
    event = built(request(body=text.encode(), headers=[(b"content-type", b"image/png")]))

    assert event["body"] == (text or None)
    assert rest.decode_event(event).body == text.encode()


# A response without a content type gets one. Headers of one name come together.
@given(responses(repeats=True), st.booleans())
@repeatable
def test_any_response_is_carried(response: HTTPResponse, http_api: bool) -> None:
    headers = list(response.headers)
    if b"content-type" not in dict(headers):
        headers.append(PLAIN if http_api else JSON)

    result = through_json(rest.build_response(response))

    assert rest.decode_response(result, http_api=http_api) == replace(response, headers=headers)


# Paths


@pytest.mark.parametrize(
    ("path", "context_path", "stage", "decoded"),
    [
        # by the API's own domain
        ("/x", "/prod/x", "prod", ("/prod/x", b"/prod/x", "/prod")),
        ("/", "/prod", "prod", ("/prod/", b"/prod/", "/prod")),
        ("/", "/prod/", "prod", ("/prod/", b"/prod/", "/prod")),
        ("/prod/x", "/prod/prod/x", "prod", ("/prod/prod/x", b"/prod/prod/x", "/prod")),
        ("/x", "/prod//x", "prod", ("/prod/x", b"/prod/x", "/prod")),
        # by a custom domain, with and without a base path
        ("/x", "/x", "prod", ("/x", b"/x", "")),
        ("/v1/x", "/v1/x", "prod", ("/v1/x", b"/v1/x", "")),
        ("/prod/x", "/prod/x", "prod", ("/prod/x", b"/prod/x", "")),
        ("/x", "//x", "prod", ("/x", b"/x", "")),
        # segments only
        ("/uction/x", "/production/x", "prod", ("/uction/x", b"/uction/x", "")),
        # from the console's test
        ("/x", "/x", "test-invoke-stage", ("/x", b"/x", "")),
        # without what tells
        (None, None, None, ("/", b"/", "")),
    ],
)
def test_the_stage_is_the_root_path_by_the_apis_own_domain(
    path: str | None, context_path: str | None, stage: str | None, decoded: object
) -> None:
    event = golden.rest_api()
    event["path"] = path
    event["requestContext"] |= {"path": context_path, "stage": stage}

    request = rest.decode_event(event)

    assert (request.path, request.raw_path, request.root_path) == decoded


@pytest.mark.parametrize(
    ("path", "context_path", "stage", "decoded"),
    [
        ("/prod/a b", "/prod/a b", "prod", ("/prod/a b", b"/prod/a%20b", "/prod")),
        ("/a b", "/a b", "$default", ("/a b", b"/a%20b", "")),
        ("/a b", "/prod/a b", "prod", ("/prod/a b", b"/prod/a%20b", "/prod")),
    ],
)
def test_an_http_apis_path_is_decoded(
    path: str, context_path: str, stage: str, decoded: object
) -> None:
    event = golden.http_api_v1()
    event["path"] = path
    event["requestContext"] |= {"path": context_path, "stage": stage}

    request = rest.decode_event(event)

    assert (request.path, request.raw_path, request.root_path) == decoded


def test_two_leading_slashes_become_one_in_the_path_alone() -> None:
    event = built(request(path="/prod//x", raw_path=b"/prod//x", root_path="/prod"))

    assert event["path"] == "/x"
    assert event["requestContext"]["path"] == "/prod//x"


# Headers, queries, bodies


def test_single_values_are_used_where_there_are_no_arrays() -> None:
    event = golden.rest_api()
    event["multiValueHeaders"] = event["multiValueQueryStringParameters"] = None

    request = rest.decode_event(event)

    assert dict(request.headers)[b"x-tag"] == b"two"
    assert request.query_string == b"tag=b+c&sum=1%2B1"


def test_without_headers_there_is_no_server_but_the_domain() -> None:
    event = golden.rest_api()
    event["headers"] = event["multiValueHeaders"] = event["body"] = None

    request = rest.decode_event(event)

    assert request.headers == []
    assert request.server == ("abc123.execute-api.eu-west-1.amazonaws.com", 443)


def test_a_length_that_is_there_is_left_alone() -> None:
    event = golden.rest_api()
    event["multiValueHeaders"] |= {"Content-Length": ["14"]}

    headers = rest.decode_event(event).headers

    assert [value for name, value in headers if name == b"content-length"] == [b"14"]


def test_without_a_source_ip_there_is_no_client() -> None:
    event = golden.rest_api()
    event["requestContext"]["identity"] = None

    assert rest.decode_event(event).client is None


def test_a_semicolon_divides_a_rest_apis_query() -> None:
    assert built(request(query_string=b"a=1;b=2"))["queryStringParameters"] == {"a": "1", "b": "2"}


def test_rest_apis_keep_some_headers_from_the_function() -> None:
    sent: Headers = [
        (b"accept", b"*/*"),
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=AKIA"),
        (b"content-length", b"3"),
        (b"expect", b"100-continue"),
        (b"content-encoding", b"gzip"),
        (b"te", b"trailers"),
        (b"via", b"1.1 proxy"),
    ]

    kept = [pair for pair in sent if pair[0] in (b"accept", b"content-encoding", b"via")]
    assert rest.request_headers(sent) == kept
    assert rest.request_headers([(b"authorization", b"Bearer x")]) == [
        (b"authorization", b"Bearer x")
    ]


def test_rest_apis_rename_or_drop_some_headers_of_the_response() -> None:
    answered: Headers = [
        (b"content-length", b"3"),
        (b"date", b"today"),
        (b"server", b"uvicorn"),
        (b"via", b"1.1 proxy"),
        (b"transfer-encoding", b"chunked"),
        (b"set-cookie", b"a=1"),
        (b"www-authenticate", b"Basic"),
    ]

    assert rest.rewrite_response_headers(answered) == [
        (b"content-length", b"3"),
        (b"x-amzn-remapped-date", b"today"),
        (b"x-amzn-remapped-server", b"uvicorn"),
        (b"set-cookie", b"a=1"),
        (b"x-amzn-remapped-www-authenticate", b"Basic"),
    ]


def test_a_header_overrides_the_method_at_a_rest_api() -> None:
    overriding = request(method="POST", headers=[(b"x-http-method-override", b"delete")])

    assert built(overriding)["httpMethod"] == "DELETE"
    assert built(overriding)["requestContext"]["httpMethod"] == "DELETE"
    assert built(overriding, http_api=True)["httpMethod"] == "POST"


@pytest.mark.parametrize(
    ("media_types", "binary_media_types", "binary"),
    [
        ("image/png", [], False),
        ("image/png", ["image/png"], True),
        ("Image/PNG; q=1", ["image/png"], True),
        ("image/png", ["image/*"], True),
        ("image/png", ["*/*"], True),
        ("", ["*/*"], True),
        ("image/png", ["image/jpeg", "audio/*"], False),
        ("image/png, text/html", ["image/png"], True),
        ("text/html, image/png", ["image/png"], False),  # the first one counts
        ("*/*", ["image/*"], False),
    ],
)
def test_binary_media_types_match_the_first_media_type(
    media_types: str, binary_media_types: list[str], binary: bool
) -> None:
    assert rest.is_binary(media_types, binary_media_types) is binary


def test_a_binary_media_type_goes_as_base64() -> None:
    png = request(body=b"\x00\xff", headers=[(b"content-type", b"image/png")])

    assert built(png, binary_media_types=["image/*"])["body"] == "AP8="
    assert built(png)["body"] == "\0\N{REPLACEMENT CHARACTER}"


# What is wrong is named


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("event", lambda event: "x"),
        ("requestContext", lambda event: event | {"requestContext": []}),
        ("requestContext.identity", lambda event: event | {"requestContext": {"identity": 1}}),
        ("requestContext.stage", lambda event: event | {"requestContext": {"stage": 1}}),
        ("httpMethod", lambda event: event | {"httpMethod": None}),
        ("path", lambda event: event | {"path": {}}),
        ("path", lambda event: event | {"path": "/\ud800"}),
        ("multiValueHeaders", lambda event: event | {"multiValueHeaders": "x"}),
        ("multiValueHeaders.x", lambda event: event | {"multiValueHeaders": {"x": 1}}),
        ("multiValueHeaders.x", lambda event: event | {"multiValueHeaders": {"x": [1]}}),
        ("headers.x", lambda event: event | {"multiValueHeaders": {}, "headers": {"x": None}}),
        (
            "multiValueQueryStringParameters",
            lambda event: event | {"multiValueQueryStringParameters": ["a"]},
        ),
        (
            "multiValueQueryStringParameters.a",
            lambda event: event | {"multiValueQueryStringParameters": {"a": [None]}},
        ),
        (
            "queryStringParameters.a",
            lambda event: (
                event | {"multiValueQueryStringParameters": None, "queryStringParameters": {"a": 1}}
            ),
        ),
        (
            "queryStringParameters",
            lambda event: event | {"multiValueQueryStringParameters": {"a": ["\ud800"]}},
        ),
        ("body", lambda event: event | {"body": 1}),
        ("body", lambda event: event | {"isBase64Encoded": True}),
    ],
)
def test_a_malformed_event_names_its_field(field: str, change: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        rest.decode_event(change(golden.rest_api()))

    assert caught.value.field == field


# Responses


def test_a_response_is_built() -> None:
    response = HTTPResponse(
        200,
        [(b"content-type", b"image/png"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")],
        b"\x00\xff",
    )

    assert rest.build_response(response, golden.rest_api()) == {
        "statusCode": 200,
        "multiValueHeaders": {"content-type": ["image/png"], "set-cookie": ["a=1", "b=2"]},
        "body": "AP8=",
        "isBase64Encoded": True,
    }


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ({"statusCode": "201"}, HTTPResponse(201, [JSON])),
        ({"body": "hi"}, HTTPResponse(200, [JSON], b"hi")),  # the status may be absent
        ({"headers": None, "multiValueHeaders": None}, HTTPResponse(200, [JSON])),
        (
            {"headers": {"X-Flag": True, "X-Off": False, "X-N": 1.5}},
            HTTPResponse(200, [(b"x-flag", b"true"), (b"x-off", b"false"), (b"x-n", b"1.5"), JSON]),
        ),
        (
            {
                "headers": {"x-tag": "3", "X-Same": "1", "Content-Type": "a/b"},
                "multiValueHeaders": {"X-Tag": ["1", "2"], "x-same": ["1"]},
            },
            HTTPResponse(
                200,
                [
                    (b"x-tag", b"1"),
                    (b"x-tag", b"2"),
                    (b"x-same", b"1"),
                    (b"x-tag", b"3"),
                    (b"content-type", b"a/b"),
                ],
            ),
        ),
    ],
)
def test_a_rest_api_makes_a_response_of(result: object, response: HTTPResponse) -> None:
    assert rest.decode_response(result) == response


def test_base64_is_sent_as_it_is_to_who_does_not_accept_the_type() -> None:
    result = {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}

    assert rest.decode_response(result).body == b"\x00\xff"
    assert rest.decode_response(result, decode_base64=False).body == b"AP8="


def test_an_http_api_takes_members_that_it_does_not_know() -> None:
    assert rest.decode_response({"statusCode": 200, "x": 1}, http_api=True) == HTTPResponse(
        200, [PLAIN]
    )


@pytest.mark.parametrize(
    ("field", "result", "http_api"),
    [
        ("response", {}, False),
        ("response", None, False),
        ("response", "Hello", False),
        ("response", [], True),
        ("cookies", {"statusCode": 200, "cookies": ["a=1"]}, False),
        ("statusCode", {"statusCode": {}}, False),
        ("statusCode", {"body": "hi"}, True),
        ("headers.x", {"headers": {"x": {"y": "z"}}}, False),
        ("headers.x", {"headers": {"x": None}}, False),
        ("headers.x", {"headers": {"x": 10**400}}, False),
        ("multiValueHeaders.x", {"multiValueHeaders": {"x": "1"}}, False),
        ("body", {"body": {}}, False),
        ("body", {"body": "\ud800"}, False),
    ],
)
def test_a_malformed_response_names_its_field(field: str, result: object, http_api: bool) -> None:
    with pytest.raises(MalformedResponse) as caught:
        rest.decode_response(result, http_api=http_api)

    assert caught.value.field == field
