"""What SNS posts, and the record that Lambda makes of a notification. Pure.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from warmstart.triggers.push.push import Push, Refused

__all__ = ["read_message", "record"]

_TYPES = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
_TEXTS = ("Type", "MessageId", "TopicArn", "Message", "Timestamp")
_RECORD_NAMES = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}


def read_message(push: Push, now: datetime) -> dict[str, Any]:
    """The members of a message, also of a raw one, which says them in its headers.

    Raises:
        Refused: it is none.
    """
    if push.header("x-amz-sns-rawdelivery") == "true":
        return _raw(push, now)
    try:
        message = json.loads(push.request.body)
    except ValueError:
        raise Refused(400, "That is no message of SNS: it is not JSON.") from None
    if not isinstance(message, dict):
        raise Refused(400, "That is no message of SNS: it is not an object.")
    for name in _TEXTS:
        if not isinstance(message.get(name), str):
            raise Refused(400, f"That is no message of SNS: {name} is missing.")
    if message["Type"] not in _TYPES:
        raise Refused(400, f"SNS has no messages of the type {message['Type']!r}.")
    return message


def _raw(push: Push, now: datetime) -> dict[str, Any]:
    """Raw delivery leaves out attributes, subject, time and signature."""
    try:
        text = push.request.body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "SNS's messages are UTF-8.") from None
    return {
        "Type": "Notification",
        "MessageId": push.header("x-amz-sns-message-id") or "",
        "TopicArn": push.header("x-amz-sns-topic-arn") or "",
        "Message": text,
        "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }


def record(message: dict[str, Any], subscription: str | None) -> dict[str, Any]:
    """The one record of a notification's event. `subscription` is its ARN, if that is known."""
    told = {_RECORD_NAMES.get(name, name): value for name, value in message.items()}
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription or _subscription(message),
        "Sns": {"Subject": None, "MessageAttributes": {}, **told},
    }


def _subscription(message: dict[str, Any]) -> str:
    """As the link to unsubscribe has it; else only the topic is known."""
    query = parse_qs(urlsplit(str(message.get("UnsubscribeURL", ""))).query)
    return query.get("SubscriptionArn", [str(message["TopicArn"])])[0]
