"""VPC Lattice, event structure V1."""

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
from warmstart.events import lattice_v1
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import HTTPRequest, HTTPResponse

REQUEST = HTTPRequest(
    method="POST",
    path="/things",
    raw_path=b"/things",
    query_string=b"order-id=1",
    headers=[
        (b"accept", b"*/*"),
        (b"host", b"things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws"),
        (b"user-agent", b"curl/8.10.1"),
        (b"x-forwarded-for", b"10.213.229.10"),
        (b"x-tag", b"one, two"),
    ],
    body=b'{"test": "event"}',
    client=("10.213.229.10", 0),
    server=("things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws", 443),
)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_an_event_is_decoded() -> None:
    assert lattice_v1.decode_event(golden.lattice_v1()) == REQUEST


def test_an_event_is_built() -> None:
    tags = [(b"x-tag", b"one"), (b"x-tag", b"two")]
    own = [pair for pair in REQUEST.headers if pair[0] not in (b"x-tag", b"x-forwarded-for")]

    event = lattice_v1.build_event(replace(REQUEST, headers=[*own, *tags]))

    expected = golden.lattice_v1()
    expected["headers"] |= {"x-forwarded-proto": "https", "x-forwarded-port": "443"}
    assert event == expected


def test_a_text_and_an_empty_body_are_built_as_text() -> None:
    typed = replace(REQUEST, headers=[(b"content-type", b"application/json")])

    assert lattice_v1.build_event(typed)["body"] == '{"test": "event"}'
    assert lattice_v1.build_event(replace(REQUEST, body=b""))["is_base64_encoded"] is False


def test_a_query_that_comes_decoded_is_made_sound() -> None:
    event = golden.lattice_v1()
    event["query_string_parameters"] = {"q": "a b&c=é", "already": "%20"}

    assert lattice_v1.decode_event(event).query_string == b"q=a%20b%26c=%C3%A9&already=%20"


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if lattice_v1.matches(make())}

    assert matching == {"lattice_v1"}


# The version of HTTP is told nowhere. Repeated headers are joined, and of repeated
# query parameters only the last arrives.
@given(requests(query=queries(encoded=False, repeats=False), repeats=False))
@repeatable
def test_any_request_is_carried(request: HTTPRequest) -> None:
    request = replace(request, http_version="1.1")

    event = through_json(lattice_v1.build_event(request))

    assert lattice_v1.matches(event)
    assert lattice_v1.decode_event(event) == with_headers(request, forwarded(request))


# Repeats are joined, but cookies are not.
@given(responses(repeats=False))
@repeatable
def test_any_response_is_carried(response: HTTPResponse) -> None:
    result = through_json(lattice_v1.build_response(response))

    assert lattice_v1.decode_response(result) == response


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("event", lambda event: 1),
        ("method", lambda event: event | {"method": ""}),
        ("raw_path", lambda event: event | {"raw_path": []}),
        ("headers", lambda event: event | {"headers": 1}),
        ("query_string_parameters", lambda event: event | {"query_string_parameters": "x"}),
        ("query_string_parameters.a", lambda event: event | {"query_string_parameters": {"a": 1}}),
        ("is_base64_encoded", lambda event: event | {"is_base64_encoded": "yes"}),
        ("body", lambda event: event | {"body": "!"}),
    ],
)
def test_a_malformed_event_names_its_field(field: str, change: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        lattice_v1.decode_event(change(golden.lattice_v1()))

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "result"),
    [("response", []), ("statusCode", {}), ("body", {"statusCode": 200, "body": 1})],
)
def test_a_malformed_response_names_its_field(field: str, result: object) -> None:
    with pytest.raises(MalformedResponse) as caught:
        lattice_v1.decode_response(result)

    assert caught.value.field == field
