"""Expected limits and messages: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warmstart.service.environments.environment import Refusal
from warmstart.service.logs.subscription import API, LOGS, TELEMETRY, parse

HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}


def request(**changes: Any) -> bytes:
    """A valid one, with changes; `None` leaves a member out."""
    whole = {"schemaVersion": "2022-12-13", "types": ["platform"], "destination": HTTP} | changes
    return json.dumps({name: each for name, each in whole.items() if each is not None}).encode()


def buffering(**settings: Any) -> bytes:
    return request(buffering=settings)


def test_a_subscription_is_what_was_asked_for() -> None:
    body = request(
        schemaVersion="2025-01-29",
        types=["extension", "platform"],
        buffering={"maxItems": 1000, "maxBytes": 1_048_576, "timeoutMs": 25},
        destination={"protocol": "HTTP", "URI": "http://sandbox.localdomain:4323/logs?a=b"},
    )
    found = parse(TELEMETRY, body)

    assert (found.version, found.types) == ("2025-01-29", ("platform", "extension"))
    assert (found.max_items, found.max_bytes, found.timeout) == (1000, 1_048_576, 0.025)
    assert (found.method, found.port, found.path) == ("POST", 4323, "/logs?a=b")


def test_what_is_not_said_has_awss_defaults() -> None:
    found = parse(TELEMETRY, request())

    assert (found.max_items, found.max_bytes, found.timeout) == (10_000, 262_144, 1.0)
    assert found.path == "/"
    # The Logs API had versions only later.
    assert parse(LOGS, request(schemaVersion=None)).version == "2020-08-15"


def test_tcp_has_a_port_alone() -> None:
    found = parse(TELEMETRY, request(destination={"protocol": "TCP", "port": 9999}))

    assert (found.port, found.path) == (9999, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (request(types=[]), "types should not be empty"),
        (request(types=["platform", "platform"]), "types should be unique"),
        (request(types=["cpu"]), "unknown type 'cpu', expected one of platform, function, ext"),
        (request(types=None), "missing field `types`"),
        (request(destination=None), "missing field `destination`"),
        (request(schemaVersion=None), "missing field `schemaVersion`"),
        (request(schemaVersion="2021-03-18"), "TelemetryAPI only supports the following Schema"),
        (request(destination={"protocol": "UDP"}), "protocol should be HTTP or TCP"),
        (request(destination={"protocol": "HTTP"}), "URI is not provided"),
        (
            request(destination=HTTP | {"URI": "http://sandbox.localdomain"}),
            "URI port is not provided",
        ),
        (
            request(destination=HTTP | {"URI": "https://sandbox.localdomain:80"}),
            "URI scheme should be http",
        ),
        (
            request(destination=HTTP | {"URI": "http://example.com:80"}),
            "URI host should be sandbox.localdomain",
        ),
        (request(destination=HTTP | {"URI": "http://sandbox:9001"}), "port 9001 is reserved"),
        (request(destination=HTTP | {"URI": "http://sandbox:70000"}), "URI is invalid"),
        (request(destination=HTTP | {"URI": "http://sandbox:80/a b"}), "URI is invalid"),
        (request(destination={"protocol": "TCP"}), "port should be between 1 and 65535"),
        (buffering(maxItems=999), "maxItems should be between 1000 and 10000"),
        (buffering(maxItems=10_001), "maxItems should be between 1000 and 10000"),
        (buffering(maxBytes=262_143), "maxBytes should be between 262144 and 1048576"),
        (buffering(maxBytes=1_048_577), "maxBytes should be between 262144 and 1048576"),
        (buffering(timeoutMs=24), "timeoutMs should be between 25 and 30000"),
        (buffering(timeoutMs=30_001), "timeoutMs should be between 25 and 30000"),
        (buffering(timeoutMs=True), "timeoutMs should be between 25 and 30000"),
        (b"{", "the body is no JSON"),
        (b"[]", "the body must be a JSON object"),
    ],
)
@pytest.mark.parametrize("api", [TELEMETRY, LOGS], ids=["telemetry", "logs"])
def test_what_is_wrong_is_named(api: API, body: bytes, message: str) -> None:
    if api is LOGS:
        if b"schemaVersion" not in body and body.startswith(b'{"'):
            return
        if b"2021-03-18" in body:
            return
        body = body.replace(b"2022-12-13", b"2021-03-18")
    with pytest.raises(Refusal) as caught:
        parse(api, body)

    assert caught.value.status == 400
    prefix = "Logs." if api is LOGS else ""
    assert caught.value.error_type == f"{prefix}ValidationError"
    assert message in caught.value.message


def test_all_that_is_wrong_is_said_at_once_as_aws_does() -> None:
    body = request(types=[], destination=HTTP | {"URI": "http://sandbox.localdomain"})
    with pytest.raises(Refusal, match="types should not be empty; URI port is not provided"):
        parse(TELEMETRY, body)


_ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 10**30, 1.5, "", "HTTP", "http://[", "http://sandbox:1", [], [[]], {}]
)
_OBJECT = st.dictionaries(
    st.sampled_from(["protocol", "URI", "port", "method", "encoding", "maxItems", "timeoutMs"]),
    _ANYTHING | st.sampled_from(["TCP", "POST", 8080]),
)


@given(
    st.dictionaries(
        st.sampled_from(["schemaVersion", "types", "buffering", "destination"]),
        _ANYTHING | _OBJECT,
    )
)
def test_whatever_is_sent_is_refused_or_a_subscription(body: dict[str, Any]) -> None:
    with suppress(Refusal):
        parse(TELEMETRY, json.dumps(body).encode())
