"""VPC Lattice, event structure V2. Its responses are V1's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import forwarded, queries, repeatable, requests, with_headers
from warmstart.events import lattice_v1, lattice_v2
from warmstart.events.errors import MalformedEvent
from warmstart.events.http import HTTPRequest

CONTEXT: dict[str, Any] = {
    "service_network_arn": "arn:aws:vpc-lattice:eu-west-1:123456789012:servicenetwork/sn-0b",
    "service_arn": "arn:aws:vpc-lattice:eu-west-1:123456789012:service/svc-0a40",
    "target_group_arn": "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-6d0e",
    "region": "eu-west-1",
}
REQUEST = HTTPRequest(
    method="GET",
    path="/things",
    raw_path=b"/things",
    query_string=b"tag=a&tag=b&order-id=1",
    headers=[
        (b"accept", b"*/*"),
        (b"host", b"things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws"),
        (b"user-agent", b"curl/8.10.1"),
        (b"x-forwarded-for", b"172.31.40.143"),
        (b"x-tag", b"one"),
        (b"x-tag", b"two"),
    ],
    body=b'{"test": "event"}',
    client=("172.31.40.143", 0),
    server=("things-0123.7d67968.vpc-lattice-svcs.eu-west-1.on.aws", 443),
)


def test_an_event_is_decoded() -> None:
    assert lattice_v2.decode_event(golden.lattice_v2()) == REQUEST


def test_an_event_is_built() -> None:
    own = [pair for pair in REQUEST.headers if pair[0] != b"x-forwarded-for"]
    event = lattice_v2.build_event(
        replace(REQUEST, headers=[*own, (b"content-type", b"application/json")]),
        time=1783711144.123456,
        identity=golden.lattice_v2()["requestContext"]["identity"],
        **CONTEXT,
    )

    expected = golden.lattice_v2()
    expected["headers"] |= {
        "content-type": ["application/json"],
        "x-forwarded-proto": ["https"],
        "x-forwarded-port": ["443"],
    }
    assert event == expected


def test_without_iam_nobody_is_named() -> None:
    event = lattice_v2.build_event(HTTPRequest("GET", "/", b"/"), time=0, **CONTEXT)

    assert event["requestContext"]["identity"] == {}
    assert (event["body"], event["isBase64Encoded"]) == ("", False)


def test_strings_where_arrays_belong_are_read() -> None:
    event = golden.lattice_v2()
    event["headers"] = {"x-tag": "one, two"}
    event["queryStringParameters"] = {"order-id": "1"}

    request = lattice_v2.decode_event(event)

    assert request.headers == [(b"x-tag", b"one, two")]
    assert request.query_string == b"order-id=1"


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if lattice_v2.matches(make())}

    assert matching == {"lattice_v2"}


# The version of HTTP is told nowhere. What has one name comes together.
@given(requests(query=queries(encoded=False, repeats=True), repeats=True))
@repeatable
def test_any_request_is_carried(request: HTTPRequest) -> None:
    request = replace(request, http_version="1.1")

    event = json.loads(json.dumps(lattice_v2.build_event(request, time=0, **CONTEXT)))

    assert lattice_v2.matches(event)
    assert lattice_v2.decode_event(event) == with_headers(request, forwarded(request))


def test_responses_are_those_of_v1() -> None:
    assert lattice_v2.build_response is lattice_v1.build_response
    assert lattice_v2.decode_response is lattice_v1.decode_response


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("event", lambda event: None),
        ("method", lambda event: event | {"method": 1}),
        ("path", lambda event: event | {"path": 1}),
        ("headers.x", lambda event: event | {"headers": {"x": 1}}),
        ("queryStringParameters.a", lambda event: event | {"queryStringParameters": {"a": {}}}),
        ("isBase64Encoded", lambda event: event | {"isBase64Encoded": 0}),
    ],
)
def test_a_malformed_event_names_its_field(field: str, change: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        lattice_v2.decode_event(change(golden.lattice_v2()))

    assert caught.value.field == field
