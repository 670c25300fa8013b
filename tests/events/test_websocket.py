"""API Gateway's WebSocket APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import golden
from tests.events.changes import replace
from tests.events.strategies import COOKIES, TEXTS, headers, queries, repeatable, responses
from warmstart.events import websocket
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import Headers, HTTPResponse
from warmstart.events.websocket import Connect, Connection, Disconnect, Message

CONNECTION = Connection(
    id="R1kmxc2VNjMCFIA=",
    domain_name="ws123.execute-api.eu-west-1.amazonaws.com",
    stage="prod",
    api_id="ws123",
    connected_at=1783711140000,
    source_ip="203.0.113.75",
    user_agent="wscat/6",
)
HEADERS: Headers = [
    (b"host", b"ws123.execute-api.eu-west-1.amazonaws.com"),
    (b"sec-websocket-protocol", b"chat, superchat"),
    (b"sec-websocket-version", b"13"),
    (b"x-forwarded-for", b"203.0.113.75"),
]


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def changed(event: dict[str, Any], **members: Any) -> dict[str, Any]:
    """`event` with other members in its context."""
    event["requestContext"] |= members
    return event


@pytest.mark.parametrize(
    ("event", "happening"),
    [
        (golden.websocket_connect(), Connect(CONNECTION, HEADERS, b"room=a&room=b+c")),
        (golden.websocket_message(), Message(CONNECTION, '{"say":"hi"}', "R1knPc2ntjMCFIA=")),
        (
            golden.websocket_disconnect(),
            Disconnect(CONNECTION, 1005, "Client-side close frame status not set"),
        ),
    ],
)
def test_an_event_is_decoded(event: Any, happening: Any) -> None:
    assert websocket.decode_event(event) == happening


def build(happening: Connect | Message | Disconnect) -> dict[str, Any]:
    return websocket.build_event(happening, request_id="R1koeHsUtjMFbRw=", time=1783711144.123)


def test_a_connect_is_built() -> None:
    hop: Headers = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade")]

    event = build(Connect(CONNECTION, HEADERS + hop, b"room=a&room=b+c"))

    expected = golden.websocket_connect()
    for maps in (expected["headers"], expected["multiValueHeaders"]):
        for name in list(maps):
            maps[name.lower()] = maps.pop(name)
    assert event == expected


def test_a_message_is_built() -> None:
    event = build(Message(CONNECTION, '{"say":"hi"}', "R1knPc2ntjMCFIA="))

    assert event == golden.websocket_message()


def test_a_disconnect_is_built() -> None:
    event = build(Disconnect(CONNECTION, 1005, "Client-side close frame status not set"))

    expected = golden.websocket_disconnect()
    del expected["headers"], expected["multiValueHeaders"]  # they say nothing
    assert event == expected


def test_matches_tells_the_format_from_others() -> None:
    matching = {name for name, make in golden.ALL.items() if websocket.matches(make())}

    assert matching == {"websocket_connect", "websocket_message", "websocket_disconnect"}


def test_the_endpoint_is_where_messages_are_sent() -> None:
    endpoint = "https://ws123.execute-api.eu-west-1.amazonaws.com/prod"

    assert CONNECTION.endpoint == endpoint


# Round trips

IDS = st.text("abcXYZ=", min_size=1, max_size=5)
CONNECTIONS = st.builds(
    Connection, IDS, IDS, IDS, IDS, st.integers(0, 2**50), IDS | st.just(""), TEXTS
)


# The query is a decoded map: the values of one name come together.
@given(CONNECTIONS, headers(repeats=True), COOKIES, queries(encoded=True, repeats=True), IDS)
@repeatable
def test_any_connect_is_carried(
    connection: Connection, headers: Headers, cookie: bytes, query: bytes, route_key: str
) -> None:
    connect = Connect(connection, [*headers, (b"cookie", cookie)], query, route_key)

    assert websocket.decode_event(through_json(build(connect))) == connect


@given(CONNECTIONS, TEXTS | st.binary(max_size=20), TEXTS, IDS)
@repeatable
def test_any_message_is_carried(
    connection: Connection, body: str | bytes, message_id: str, route_key: str
) -> None:
    message = Message(connection, body, message_id, route_key)

    assert websocket.decode_event(through_json(build(message))) == message


@given(CONNECTIONS, st.integers(1000, 4999), TEXTS, IDS)
@repeatable
def test_any_disconnect_is_carried(
    connection: Connection, code: int, reason: str, route_key: str
) -> None:
    disconnect = Disconnect(connection, code, reason, route_key)

    assert websocket.decode_event(through_json(build(disconnect))) == disconnect


# Repeated headers come first, those of one name together.
@given(responses(repeats=True))
@repeatable
def test_any_response_is_carried(response: HTTPResponse) -> None:
    names = [name for name, _ in response.headers]
    expected = sorted(response.headers, key=lambda pair: names.count(pair[0]) == 1)

    result = through_json(websocket.build_response(response, golden.websocket_connect()))

    assert websocket.decode_response(result) == replace(response, headers=expected)


def test_the_subprotocol_is_where_aws_documents_it() -> None:
    accept = HTTPResponse(200, [(b"sec-websocket-protocol", b"chat")])

    assert websocket.build_response(accept) == {
        "statusCode": 200,
        "headers": {"sec-websocket-protocol": "chat"},
        "body": "",
        "isBase64Encoded": False,
    }


# What may be absent, and what is wrong


@pytest.mark.parametrize(
    ("event_type", "happening"),
    [
        ("CONNECT", Connect(Connection("x", "", ""))),
        ("MESSAGE", Message(Connection("x", "", ""), "")),
        ("DISCONNECT", Disconnect(Connection("x", "", ""))),
    ],
)
def test_an_event_without_optional_members_is_decoded(event_type: str, happening: Any) -> None:
    event = {"requestContext": {"connectionId": "x", "eventType": event_type}}

    assert websocket.decode_event(event) == happening


def test_single_values_are_used_where_there_are_no_arrays() -> None:
    event = golden.websocket_connect()
    del event["multiValueHeaders"], event["multiValueQueryStringParameters"]

    connect = websocket.decode_event(event)

    assert connect == Connect(CONNECTION, HEADERS, b"room=b+c")


@pytest.mark.parametrize(
    ("field", "event"),
    [
        ("event", None),
        ("requestContext", {"requestContext": 1}),
        ("requestContext.connectionId", changed(golden.websocket_connect(), connectionId=None)),
        ("requestContext.eventType", changed(golden.websocket_connect(), eventType=None)),
        ("requestContext.eventType", changed(golden.websocket_connect(), eventType="PING")),
        ("requestContext.identity", changed(golden.websocket_connect(), identity="me")),
        (
            "requestContext.identity.sourceIp",
            changed(golden.websocket_connect(), identity={"sourceIp": 1}),
        ),
        ("requestContext.connectedAt", changed(golden.websocket_message(), connectedAt="now")),
        ("requestContext.connectedAt", changed(golden.websocket_message(), connectedAt=True)),
        ("requestContext.messageId", changed(golden.websocket_message(), messageId=1)),
        ("body", golden.websocket_message() | {"body": 1}),
        ("body", golden.websocket_message() | {"body": "A", "isBase64Encoded": True}),
        (
            "requestContext.disconnectStatusCode",
            changed(golden.websocket_disconnect(), disconnectStatusCode=1.5),
        ),
    ],
)
def test_a_malformed_event_names_its_field(field: str, event: Any) -> None:
    with pytest.raises(MalformedEvent) as caught:
        websocket.decode_event(event)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "result"),
    [
        ("response", "ok"),
        ("statusCode", {"body": "ok"}),
        ("headers.x", {"statusCode": 200, "headers": {"x": []}}),
    ],
)
def test_a_malformed_response_names_its_field(field: str, result: object) -> None:
    with pytest.raises(MalformedResponse) as caught:
        websocket.decode_response(result)

    assert caught.value.field == field
