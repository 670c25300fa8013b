"""Payload format 2.0, of HTTP APIs and Function URLs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import (
    RAW_QUERIES,
    forwarded,
    repeatable,
    requests,
    responses,
    with_headers,
)
from warmstart.events import http_v2
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import HTTPRequest, HTTPResponse

URL = "abc.lambda-url.eu-west-1.on.aws"
API = "abc.execute-api.eu-west-1.amazonaws.com"
JSON = (b"content-type", b"application/json")


def request(**changes: Any) -> HTTPRequest:
    return replace(HTTPRequest("GET", "/", b"/"), **changes)


def built(request: HTTPRequest, domain_name: str = URL, **options: Any) -> dict[str, Any]:
    return http_v2.build_event(request, request_id="id", time=0, domain_name=domain_name, **options)


# Events, from golden samples


def test_a_function_urls_event_is_decoded() -> None:
    assert http_v2.decode_event(golden.function_url()) == HTTPRequest(
        method="POST",
        path="/café/a/b",
        raw_path=b"/caf%C3%A9/a%2Fb",
        query_string=b"tag=a&tag=b%20c",
        headers=[
            (b"host", b"7z5qxazz4jo7fp5jbbnue4xhxi0arzqq.lambda-url.eu-west-1.on.aws"),
            (b"accept", b"text/html,*/*"),
            (b"content-length", b"14"),
            (b"content-type", b"application/json"),
            (b"cookie", b"session=1; theme=dark"),
            (b"user-agent", b"curl/8.10.1"),
            (b"x-amzn-tls-cipher-suite", b"TLS_AES_128_GCM_SHA256"),
            (b"x-amzn-tls-version", b"TLSv1.3"),
            (b"x-amzn-trace-id", b"Root=1-69ce31a0-38502a633a55086f005d772f"),
            (b"x-forwarded-for", b"203.0.113.75"),
            (b"x-forwarded-port", b"443"),
            (b"x-forwarded-proto", b"https"),
        ],
        body=b'{"name":"Ada"}',
        scheme="https",
        http_version="1.1",
        client=("203.0.113.75", 0),
        server=("7z5qxazz4jo7fp5jbbnue4xhxi0arzqq.lambda-url.eu-west-1.on.aws", 443),
        root_path="",
    )


def test_an_http_apis_event_is_decoded() -> None:
    assert http_v2.decode_event(golden.http_api()) == HTTPRequest(
        method="PUT",
        path="/prod/café/a b",
        raw_path=b"/prod/caf%C3%A9/a%20b",
        query_string=b"q=1%2B1&flag",
        headers=[
            (b"accept", b"text/html,*/*"),
            (b"content-length", b"3"),
            (b"content-type", b"application/octet-stream"),
            (b"host", b"abc123.execute-api.eu-west-1.amazonaws.com"),
            (b"user-agent", b"curl/8.10.1"),
            (b"x-amzn-trace-id", b"Root=1-69ce31a0-38502a633a55086f005d772f"),
            (b"x-forwarded-for", b"203.0.113.75"),
            (b"x-forwarded-port", b"443"),
            (b"x-forwarded-proto", b"https"),
            (b"cookie", b"session=1; theme=dark"),
        ],
        body=b"\x00\xff\x80",
        scheme="https",
        http_version="2",
        client=("2001:db8::1", 0),
        server=("abc123.execute-api.eu-west-1.amazonaws.com", 443),
        root_path="/prod",
    )


def test_a_function_urls_event_is_built() -> None:
    domain = "7z5qxazz4jo7fp5jbbnue4xhxi0arzqq.lambda-url.eu-west-1.on.aws"
    event = http_v2.build_event(
        HTTPRequest(
            method="POST",
            path="/café/a/b",
            raw_path=b"/caf%C3%A9/a%2Fb",
            query_string=b"tag=a&tag=b%20c",
            headers=[
                (b"host", domain.encode()),
                (b"accept", b"text/html"),
                (b"accept", b"*/*"),
                (b"content-length", b"14"),
                (b"content-type", b"application/json"),
                (b"cookie", b"session=1"),
                (b"cookie", b"theme=dark"),
                (b"user-agent", b"curl/8.10.1"),
                (b"connection", b"keep-alive"),
            ],
            body=b'{"name":"Ada"}',
            client=("203.0.113.75", 50123),
            server=(domain, 443),
        ),
        request_id="84545120-9bda-41af-9b45-6bd9fb4503a6",
        time=1783711144.123,
        domain_name=domain,
        trace_id="Root=1-69ce31a0-38502a633a55086f005d772f",
    )

    # Function URLs join repeats with a comma alone.
    assert event == golden.function_url()


def test_an_http_apis_event_is_built() -> None:
    event = http_v2.build_event(
        HTTPRequest(
            method="PUT",
            path="/prod/café/a b",
            raw_path=b"/prod/caf%C3%A9/a%20b",
            query_string=b"q=1%2B1&flag",
            headers=[
                (b"host", b"abc123.execute-api.eu-west-1.amazonaws.com"),
                (b"accept", b"text/html,*/*"),
                (b"content-length", b"3"),
                (b"content-type", b"application/octet-stream"),
                (b"cookie", b"session=1; theme=dark"),
                (b"user-agent", b"curl/8.10.1"),
                (b"x-forwarded-for", b"203.0.113.75"),
            ],
            body=b"\x00\xff\x80",
            http_version="2",
            client=("2001:db8::1", 50123),
            server=("abc123.execute-api.eu-west-1.amazonaws.com", 443),
            root_path="/prod",
        ),
        request_id="MIZRNhJtIAMEMDw=",
        time=1783711144.123,
        domain_name="abc123.execute-api.eu-west-1.amazonaws.com",
        stage="prod",
        route_key="ANY /{proxy+}",
        trace_id="Root=1-69ce31a0-38502a633a55086f005d772f",
    )

    expected = golden.http_api()
    expected["headers"]["x-forwarded-for"] = "203.0.113.75, 2001:db8::1"
    # What the route and the authorizer add is the gateway's.
    del expected["pathParameters"], expected["stageVariables"]
    del expected["requestContext"]["authorizer"]
    expected["requestContext"]["accountId"] = "anonymous"
    assert event == expected


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if http_v2.matches(make())}

    assert matching == {"function_url", "http_api"}


# Round trips


# Hop-by-hop headers end at the front door. Repeats are joined, so there are none.
# The port of the client is told to nobody.
@given(requests(query=RAW_QUERIES, repeats=False))
@repeatable
def test_a_function_url_carries_any_request(request: HTTPRequest) -> None:
    tls = [
        (b"x-amzn-tls-cipher-suite", b"TLS_AES_128_GCM_SHA256"),
        (b"x-amzn-tls-version", b"TLSv1.3"),
    ]
    trace = [(b"x-amzn-trace-id", b"Root=1-2-3")]
    added = forwarded(request) + trace + (tls if request.scheme == "https" else [])

    event = json.loads(json.dumps(built(request, trace_id="Root=1-2-3")))

    assert http_v2.matches(event)
    assert http_v2.decode_event(event) == with_headers(request, added)


# As above; and the path comes decoded, so of the ways to encode it one is left.
# The cookie header comes back from the list of cookies, at the end.
@given(requests(query=RAW_QUERIES, repeats=False))
@repeatable
def test_an_http_api_carries_any_request(request: HTTPRequest) -> None:
    raw_path = quote(request.path, safe="/-._~!$&'()*+,;=:@").encode()
    request = replace(request, raw_path=raw_path)
    cookies = [pair for pair in request.headers if pair[0] == b"cookie"]
    others = [pair for pair in request.headers if pair[0] != b"cookie"]

    event = json.loads(json.dumps(built(request, API)))

    assert http_v2.matches(event)
    assert http_v2.decode_event(event) == replace(
        request, headers=[*others, *forwarded(request), *cookies]
    )


# Repeats are joined, but cookies are not. A response without a content type gets one.
@given(responses(repeats=False))
@repeatable
def test_any_response_is_carried(response: HTTPResponse) -> None:
    cookies = [pair for pair in response.headers if pair[0] == b"set-cookie"]
    headers = [pair for pair in response.headers if pair[0] != b"set-cookie"]
    if b"content-type" not in dict(headers):
        headers.append(JSON)

    result = json.loads(json.dumps(http_v2.build_response(response)))

    assert http_v2.decode_response(result) == replace(response, headers=headers + cookies)


# Paths


@pytest.mark.parametrize(
    ("raw_path", "stage", "root_path"),
    [
        ("/prod", "prod", "/prod"),
        ("/prod/", "prod", "/prod"),
        ("/prod/x", "prod", "/prod"),
        ("/production/x", "prod", ""),
        ("/x/prod", "prod", ""),
        ("/", "prod", ""),
        ("/$default/x", "$default", ""),
        ("/x", "", ""),
        ("//x", "", ""),
    ],
)
def test_the_stage_is_the_root_path_where_the_path_begins_with_it(
    raw_path: str, stage: str, root_path: str
) -> None:
    event = golden.http_api()
    event["rawPath"] = raw_path
    event["requestContext"]["stage"] = stage

    request = http_v2.decode_event(event)

    assert (request.path, request.root_path) == (raw_path, root_path)


@pytest.mark.parametrize(
    ("raw_path", "stage", "path"),
    [
        ("/prod/things", "prod", "/things"),
        ("/prod", "prod", "/"),
        ("/products", "prod", "/products"),
        ("/things", "$default", "/things"),
    ],
)
def test_on_a_custom_domain_the_stage_is_not_the_clients(
    raw_path: str, stage: str, path: str
) -> None:
    # https://github.com/CodeGenieApp/serverless-express/issues/465 has such events.
    event = golden.http_api()
    event["rawPath"] = raw_path
    event["requestContext"] |= {"stage": stage, "domainName": "api.example.com"}

    request = http_v2.decode_event(event)

    assert (request.path, request.raw_path, request.root_path) == (path, path.encode(), "")
    assert request.base_path_hidden


@pytest.mark.parametrize(
    "domain", ["abc.execute-api.eu-west-1.amazonaws.com", URL, "localhost", ""]
)
def test_on_other_domains_nothing_is_hidden(domain: str) -> None:
    event = golden.http_api()
    event["requestContext"]["domainName"] = domain

    assert not http_v2.decode_event(event).base_path_hidden


def test_an_event_of_a_custom_domain_has_the_stage_in_its_paths() -> None:
    event = built(HTTPRequest("GET", "/things", b"/things"), "api.example.com", stage="prod")

    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/prod/things"


def test_a_function_url_has_no_root_path() -> None:
    event = golden.function_url()
    event["rawPath"] = "/$default/x"

    assert http_v2.decode_event(event).root_path == ""


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_path_is_the_root(absent: str | None) -> None:
    event = golden.function_url()
    event["rawPath"] = absent

    request = http_v2.decode_event(event)

    assert (request.path, request.raw_path) == ("/", b"/")


def test_the_path_is_decoded_once() -> None:
    event = golden.function_url()
    event["rawPath"] = "/100%2525/%FF"

    assert http_v2.decode_event(event).path == "/100%25/\N{REPLACEMENT CHARACTER}"


def test_a_percent_sign_in_a_decoded_path_is_encoded() -> None:
    event = golden.http_api()
    event["rawPath"] = "/100%/a?b#c"

    assert http_v2.decode_event(event).raw_path == b"/100%25/a%3Fb%23c"


def test_target_bytes_that_are_not_ascii_are_encoded_in_the_event() -> None:
    event = built(request(path="/é", raw_path="/é".encode(), query_string="q=é".encode()))

    assert event["rawPath"] == "/%C3%A9"
    assert event["rawQueryString"] == "q=%C3%A9"
    assert event["queryStringParameters"] == {"q": "é"}


# Headers, cookies, addresses


def test_header_text_outside_latin_1_goes_back_to_utf_8() -> None:
    event = golden.function_url()
    event["headers"] = {"x-latin": "é", "x-wide": "€", "X-Mixed": "ok"}

    assert http_v2.decode_event(event).headers[:3] == [
        (b"x-latin", b"\xe9"),
        (b"x-wide", b"\xe2\x82\xac"),
        (b"x-mixed", b"ok"),
    ]


def test_the_cookie_header_goes_before_the_list_of_cookies() -> None:
    event = golden.function_url()
    event["headers"]["cookie"] = "session=1;theme=dark"  # as sent, without a space

    headers = http_v2.decode_event(event).headers

    assert [value for name, value in headers if name == b"cookie"] == [b"session=1;theme=dark"]


def test_names_in_another_case_are_found_too() -> None:
    event = golden.http_api()
    event["headers"] = {
        "Host": "127.0.0.1:3000",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "3000",
    }

    request = http_v2.decode_event(event)

    assert (request.scheme, request.server) == ("http", ("127.0.0.1", 3000))


def test_without_a_host_the_domain_is_the_server() -> None:
    event = golden.http_api()
    event["headers"] = None

    request = http_v2.decode_event(event)

    assert request.server == ("abc123.execute-api.eu-west-1.amazonaws.com", 443)
    assert request.headers == [(b"cookie", b"session=1; theme=dark")]


def test_without_a_source_ip_there_is_no_client() -> None:
    event = golden.function_url()
    del event["requestContext"]["http"]["sourceIp"]

    assert http_v2.decode_event(event).client is None
    assert built(request())["requestContext"]["http"]["sourceIp"] == ""


def test_only_https_has_tls_headers() -> None:
    headers = built(request(scheme="http", server=("localhost", 3000)))["headers"]

    assert headers == {"x-forwarded-proto": "http", "x-forwarded-port": "3000"}


def test_an_empty_event_has_no_optional_members() -> None:
    event = built(request())

    assert not {"body", "cookies", "queryStringParameters"} & event.keys()
    assert event["isBase64Encoded"] is False


# What is wrong is named


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("event", lambda event: []),
        ("requestContext", lambda event: event | {"requestContext": "x"}),
        ("requestContext.http", lambda event: event | {"requestContext": {"http": []}}),
        ("requestContext.http.method", lambda event: event | {"requestContext": {"http": {}}}),
        ("headers", lambda event: event | {"headers": []}),
        ("headers.host", lambda event: event | {"headers": {"host": 1}}),
        ("headers.x", lambda event: event | {"headers": {"x": "\ud800"}}),
        ("cookies", lambda event: event | {"cookies": "a=1", "headers": {}}),
        ("cookies", lambda event: event | {"cookies": [1], "headers": {}}),
        ("rawPath", lambda event: event | {"rawPath": 1}),
        ("rawPath", lambda event: event | {"rawPath": "/\ud800"}),
        ("rawQueryString", lambda event: event | {"rawQueryString": {}}),
        ("body", lambda event: event | {"body": {}}),
        ("body", lambda event: event | {"body": "\ud800"}),
        ("body", lambda event: event | {"body": "a", "isBase64Encoded": True}),
        ("isBase64Encoded", lambda event: event | {"isBase64Encoded": "true"}),
    ],
)
def test_a_malformed_event_names_its_field(field: str, change: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        http_v2.decode_event(change(golden.function_url()))

    assert caught.value.field == field


# Responses


def test_a_response_is_built() -> None:
    response = HTTPResponse(
        201,
        [
            (b"content-type", b"text/plain"),
            (b"vary", b"accept"),
            (b"set-cookie", b"a=1; Path=/"),
            (b"vary", b"cookie"),
            (b"set-cookie", b"b=2"),
        ],
        b"hi",
    )

    assert http_v2.build_response(response, golden.function_url()) == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "vary": "accept, cookie"},
        "cookies": ["a=1; Path=/", "b=2"],
        "body": "hi",
        "isBase64Encoded": False,
    }


def test_what_is_text_can_be_decided_otherwise() -> None:
    response = HTTPResponse(200, [(b"content-type", b"text/plain")], b"hi")

    result = http_v2.build_response(response, is_text=lambda response: False)

    assert (result["body"], result["isBase64Encoded"]) == ("aGk=", True)


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ("Hello!", b"Hello!"),
        ("", b""),
        ({"message": "é"}, '{"message":"é"}'.encode()),
        ({}, b"{}"),
        ([1, "two"], b'[1,"two"]'),
        (1.5, b"1.5"),
        (True, b"true"),
        (None, b"null"),
    ],
)
def test_a_result_without_a_status_is_the_body(result: object, body: bytes) -> None:
    assert http_v2.decode_response(result) == HTTPResponse(200, [JSON], body)


@pytest.mark.parametrize(
    ("result", "response"),
    [
        ({"statusCode": 204}, HTTPResponse(204, [JSON])),
        ({"statusCode": "404", "body": "no"}, HTTPResponse(404, [JSON], b"no")),
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/plain", "X-N": 1, "X-B": True}},
            HTTPResponse(
                200, [(b"content-type", b"text/plain"), (b"x-n", b"1"), (b"x-b", b"true")]
            ),
        ),
        (
            {"statusCode": 200, "cookies": ["a=1", "b=2"], "body": "AP8=", "isBase64Encoded": True},
            HTTPResponse(
                200, [JSON, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")], b"\x00\xff"
            ),
        ),
        ({"statusCode": 200, "headers": None, "body": None}, HTTPResponse(200, [JSON])),
        ({"statusCode": 200, "unknown": {}}, HTTPResponse(200, [JSON])),
    ],
)
def test_a_result_with_a_status_is_a_response(result: object, response: HTTPResponse) -> None:
    assert http_v2.decode_response(result) == response


def test_an_http_api_takes_a_response_without_a_type_for_plain_text() -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")

    assert http_v2.decode_response({"statusCode": 204}, http_api=True).headers == [plain]
    assert http_v2.decode_response({"a": 1}, http_api=True).headers == [JSON]


@pytest.mark.parametrize(
    ("field", "result"),
    [
        ("statusCode", {"statusCode": None}),
        ("statusCode", {"statusCode": True}),
        ("statusCode", {"statusCode": 99}),
        ("statusCode", {"statusCode": "2e2"}),
        ("headers", {"statusCode": 200, "headers": []}),
        ("headers.x", {"statusCode": 200, "headers": {"x": ["1"]}}),
        ("headers.x", {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: b"}}),
        ("headers.a b", {"statusCode": 200, "headers": {"a b": "1"}}),
        ("cookies", {"statusCode": 200, "cookies": {"a": "1"}}),
        ("cookies", {"statusCode": 200, "cookies": [1]}),
        ("body", {"statusCode": 200, "body": {"a": 1}}),
        ("body", {"statusCode": 200, "body": "a", "isBase64Encoded": True}),
        ("body", "\ud800"),
        ("isBase64Encoded", {"statusCode": 200, "body": "x", "isBase64Encoded": 1}),
    ],
)
def test_a_malformed_response_names_its_field(field: str, result: object) -> None:
    with pytest.raises(MalformedResponse) as caught:
        http_v2.decode_response(result)

    assert caught.value.field == field
