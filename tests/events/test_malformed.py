"""Whatever is wrong with an event or a response, only the typed errors come of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.events import golden
from tests.events.invariants import FORMATS, check_request, check_response
from tests.events.mutations import spoiled
from warmstart.events import alb, edge, http_v2, lattice_v1, prelude, rest, websocket
from warmstart.events.errors import MalformedEvent, MalformedResponse
from warmstart.events.http import HTTPRequest, HTTPResponse
from warmstart.events.source import Source, detect


@pytest.mark.parametrize("name", golden.ALL)
def test_an_event_with_any_part_spoiled_is_read_or_named(name: str) -> None:
    wire = FORMATS[name]
    for event in spoiled(golden.ALL[name]()):
        assert isinstance(detect(event), Source)
        assert isinstance(wire.matches(event), bool)
        with suppress(MalformedEvent):
            decoded = wire.decode_event(event)
            if isinstance(decoded, HTTPRequest):
                check_request(decoded)


RESPONSE: dict[str, Any] = {
    "statusCode": 200,
    "statusDescription": "200 OK",
    "headers": {"content-type": "text/plain", "x-n": 1},
    "multiValueHeaders": {"x-tag": ["one", "two"]},
    "cookies": ["a=1"],
    "body": "aGk=",
    "isBase64Encoded": True,
}
REST_RESPONSE = {
    key: RESPONSE[key] for key in RESPONSE if key not in ("cookies", "statusDescription")
}
EDGE_RESPONSE: dict[str, Any] = {
    "status": "200",
    "statusDescription": "OK",
    "headers": {"x-tag": [{"key": "X-Tag", "value": "one"}]},
    "body": "aGk=",
    "bodyEncoding": "base64",
}


def parse_prelude(metadata: Any) -> HTTPResponse | None:
    return prelude.PreludeParser().feed(json.dumps(metadata).encode() + bytes(8) + b"body")


@pytest.mark.parametrize(
    ("decode", "result"),
    [
        (http_v2.decode_response, RESPONSE),
        (rest.decode_response, REST_RESPONSE),
        (lambda result: rest.decode_response(result, http_api=True), RESPONSE),
        (lambda result: rest.decode_response(result, decode_base64=False), REST_RESPONSE),
        (alb.decode_response, RESPONSE),
        (lambda result: alb.decode_response(result, multi_value=True), RESPONSE),
        (edge.decode_response, EDGE_RESPONSE),
        (lattice_v1.decode_response, RESPONSE),
        (websocket.decode_response, RESPONSE),
        (parse_prelude, {key: RESPONSE[key] for key in ("statusCode", "headers", "cookies")}),
    ],
)
def test_a_response_with_any_part_spoiled_is_read_or_named(
    decode: Callable[[Any], HTTPResponse], result: dict[str, Any]
) -> None:
    for spoiled_result in spoiled(result):
        with suppress(MalformedResponse):
            check_response(decode(spoiled_result))


def test_no_event_is_too_strange_for_a_decoder_of_another_format() -> None:
    for make in golden.ALL.values():
        for wire in FORMATS.values():
            with suppress(MalformedEvent):
                wire.decode_event(make())
