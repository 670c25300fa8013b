"""The shapes are those of AWS's pages on records of asynchronous invocations and dead letters."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.event import Event, Response
from warmstart.service.asynchronous.message import Message, messages
from warmstart.service.asynchronous.retry import Condition, Discard, Done

ARN = "arn:aws:lambda:us-east-1:123456789012:function:my-function:$LATEST"
SUCCESS = "arn:aws:sqs:us-east-1:123456789012:success"
FAILURE = "arn:aws:sqs:us-east-1:123456789012:failure"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"
NOW = 1573755365.568  # 2019-11-14T18:16:05.568Z, as in AWS's example
CONFIG = AsyncConfig(on_success=SUCCESS, on_failure=FAILURE, dead_letter=DEAD)
EVENT = Event(
    function="my-function",
    qualifier="$LATEST",
    payload=b'{"ORDER_IDS": ["9e07af03"]}',
    request_id="e4b46cbf-b738-xmpl-8880-a18cdf61200e",
    created=NOW - 200,
    due=NOW,
    trace_id="Root=1-5759e988-bd862e3fe1be46a994272793",
    invoke_count=3,
    response=Response(200, "$LATEST", "Unhandled", b'{"errorMessage": "Process exited"}'),
)


def left(decision: Done | Discard, config: AsyncConfig = CONFIG) -> list[Message]:
    return messages(decision, config, ARN, NOW)


def test_a_failure_leaves_an_invocation_record_and_a_dead_letter() -> None:
    record, letter = left(Discard(EVENT, Condition.RETRIES_EXHAUSTED))

    assert record.target == FAILURE
    assert json.loads(record.body) == {
        "version": "1.0",
        "timestamp": "2019-11-14T18:16:05.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": ARN,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"ORDER_IDS": ["9e07af03"]},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorMessage": "Process exited"},
    }
    assert record.attributes == {}
    assert letter.target == DEAD
    assert letter.body == '{"ORDER_IDS": ["9e07af03"]}'
    assert letter.attributes == {
        "RequestID": ["String", "e4b46cbf-b738-xmpl-8880-a18cdf61200e"],
        "ErrorCode": ["Number", "200"],
        "ErrorMessage": ["String", "Process exited"],
    }


def test_a_success_leaves_a_record_without_an_error() -> None:
    event = replace(EVENT, invoke_count=1, response=Response(200, "7", None, b"[1]"))

    (record,) = left(Done(event))

    assert record.target == SUCCESS
    parsed = json.loads(record.body)
    assert parsed["requestContext"]["condition"] == "Success"
    assert parsed["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    assert parsed["responsePayload"] == [1]


def test_nothing_is_left_where_nothing_is_configured() -> None:
    assert left(Done(EVENT), AsyncConfig(on_failure=FAILURE, dead_letter=DEAD)) == []
    exhausted = Discard(EVENT, Condition.RETRIES_EXHAUSTED)
    assert left(exhausted, AsyncConfig(on_success=SUCCESS)) == []


def test_without_concurrency_there_is_no_count_and_no_response() -> None:
    event = replace(EVENT, invoke_count=0, response=None)

    record, letter = left(Discard(event, Condition.ZERO_RESERVED_CONCURRENCY))

    parsed = json.loads(record.body)
    assert parsed["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert parsed["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in parsed
    assert "responsePayload" not in parsed
    assert sorted(letter.attributes) == ["ErrorMessage", "RequestID"]


def test_a_throttled_event_tells_the_status_and_has_no_payload() -> None:
    event = replace(EVENT, invoke_count=0, response=Response(429, message="Rate Exceeded."))

    record, letter = left(Discard(event, Condition.EVENT_AGE_EXCEEDED))

    parsed = json.loads(record.body)
    assert parsed["responseContext"] == {"statusCode": 429}
    assert "responsePayload" not in parsed
    assert letter.attributes["ErrorCode"] == ["Number", "429"]
    assert letter.attributes["ErrorMessage"] == ["String", "Rate Exceeded."]


@pytest.mark.parametrize(
    "payload",
    [b"1.0", b"12345678901234567890123", b"1e-400", '"\u00df"'.encode(), b'{"a":1,"a":2}'],
)
def test_payloads_stand_in_the_record_as_they_came(payload: bytes) -> None:
    event = replace(EVENT, payload=payload, response=Response(200, "1", None, payload))

    (record,) = left(Done(event))

    assert f'"requestPayload":{payload.decode()}' in record.body
    assert f'"responsePayload":{payload.decode()}' in record.body


@pytest.mark.parametrize(
    "payload",
    [b"plain", b"", b"NaN", b"\xff", pytest.param(100_000 * b"[", id="nested")],
)
def test_what_is_not_json_stands_in_the_record_as_a_string(payload: bytes) -> None:
    (record,) = left(Done(replace(EVENT, response=Response(200, "1", None, payload))))

    assert json.loads(record.body)["responsePayload"] == payload.decode(errors="replace")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (json.dumps({"errorMessage": "\u00df" * 1000}).encode(), "\u00df" * 512),
        (json.dumps({"errorMessage": "x" + "\u00df" * 1000}).encode(), "x" + "\u00df" * 511),
        (b'{"errorType": "X"}', '{"errorType": "X"}'),
        (b'"text"', '"text"'),
        (b"plain", "plain"),
        pytest.param(100_000 * b"[", 1024 * "[", id="nested"),
    ],
)
def test_a_dead_letters_message_is_cut_to_one_kilobyte(payload: bytes, message: str) -> None:
    event = replace(EVENT, response=Response(200, "1", "Unhandled", payload))

    _, letter = left(Discard(event, Condition.RETRIES_EXHAUSTED))

    assert letter.attributes["ErrorMessage"] == ["String", message]


def test_a_dead_letter_has_no_empty_attribute() -> None:
    event = replace(EVENT, response=Response(200, "1", "Unhandled", b""))

    _, letter = left(Discard(event, Condition.RETRIES_EXHAUSTED))

    assert "ErrorMessage" not in letter.attributes


def test_a_message_carries_on_the_chain_of_invocations() -> None:
    (record,) = left(Done(EVENT))

    assert record.trace_id.startswith("Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=")
    assert record.trace_id.endswith(":1")
