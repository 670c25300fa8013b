"""What is sent to destinations and dead-letter queues, in AWS's shapes. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from warmstart.service.asynchronous.configuration import AsyncConfig
from warmstart.service.asynchronous.event import Event
from warmstart.service.asynchronous.recursion import advance
from warmstart.service.asynchronous.retry import Condition, Discard, Done

__all__ = ["Message", "messages"]

_MOST_ERROR_MESSAGE = 1024
"""Bytes of a dead letter's `ErrorMessage`."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message for `target`, an ARN. `attributes` are by name: data type, value.

    `function_arn` is the function's whose event it tells of. Times are seconds
    since the epoch. `key` names an object of a bucket, if it is not named as AWS names
    those of asynchronous invocations.
    """

    target: str
    body: str
    attributes: dict[str, list[str]]
    request_id: str
    function_arn: str
    condition: str
    trace_id: str
    created: float
    due: float
    failures: int = 0
    key: str | None = None


def messages(
    decision: Done | Discard, config: AsyncConfig, function_arn: str, now: float
) -> list[Message]:
    """What an event that leaves the queue leaves behind, as it is configured."""
    event = decision.event

    def message(target: str, body: str, attributes: dict[str, list[str]]) -> Message:
        return Message(
            target,
            body,
            attributes,
            event.request_id,
            function_arn,
            condition,
            # What the message sets off is one invocation further down the chain.
            advance(event.trace_id, event.function)[0],
            now,
            now,
        )

    if isinstance(decision, Done):
        condition, target = Condition.SUCCESS, config.on_success
    else:
        condition, target = decision.condition, config.on_failure
    made = []
    if target:
        made.append(message(target, _record(event, condition, function_arn, now), {}))
    if config.dead_letter and condition is not Condition.SUCCESS:
        body = event.payload.decode(errors="replace")
        made.append(message(config.dead_letter, body, _attributes(event, condition)))
    return made


def _record(event: Event, condition: Condition, function_arn: str, now: float) -> str:
    """An invocation record. Both payloads stand in it as they came, number for number."""
    moment = datetime.fromtimestamp(now, UTC)
    members = {
        "version": '"1.0"',
        "timestamp": json.dumps(f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"),
        "requestContext": json.dumps(
            {
                "requestId": event.request_id,
                "functionArn": function_arn,
                "condition": condition,
                "approximateInvokeCount": event.invoke_count,
            }
        ),
        "requestPayload": _embedded(event.payload),
    }
    response = event.response
    if response is not None:
        context = {
            "statusCode": response.status,
            "executedVersion": response.executed_version,
            "functionError": response.function_error,
        }
        members["responseContext"] = json.dumps(
            {name: value for name, value in context.items() if value is not None}
        )
        if response.payload is not None:
            members["responsePayload"] = _embedded(response.payload)
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


def _embedded(payload: bytes) -> str:
    """JSON as it is; what is not JSON, as a string."""
    text = payload.decode(errors="replace")
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(text)
    return text


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _attributes(event: Event, condition: Condition) -> dict[str, list[str]]:
    """A dead letter's; the event itself is its body."""
    status, message = _error(event, condition)
    attributes = {"RequestID": ["String", event.request_id]}
    if status is not None:
        attributes["ErrorCode"] = ["Number", str(status)]
    cut = message.encode()[:_MOST_ERROR_MESSAGE].decode(errors="ignore")
    if cut:  # queues refuse empty values
        attributes["ErrorMessage"] = ["String", cut]
    return attributes


def _error(event: Event, condition: Condition) -> tuple[int | None, str]:
    response = event.response
    if condition is Condition.ZERO_RESERVED_CONCURRENCY:
        # AWS's own text, its missing space and all.
        return None, (
            "Function not invoked. Function isconfigured with zero reserved concurrent executions"
        )
    if response is None:
        return None, "Function not invoked. The event was older than its maximum age."
    if response.payload is None:
        return response.status, response.message or ""
    try:
        parsed = json.loads(response.payload)
    except (ValueError, RecursionError):
        parsed = None
    message = parsed.get("errorMessage") if isinstance(parsed, dict) else None
    return response.status, str(message or response.payload.decode(errors="replace"))
