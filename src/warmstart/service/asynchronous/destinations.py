"""Sends messages to SQS, SNS, EventBridge and S3, wherever those are.

Nothing is ever sent to a place that was not configured: without an endpoint for a
service, a message for it is not delivered, and the error says so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from warmstart.service.asynchronous.message import Message
from warmstart.service.asynchronous.retry import Condition
from warmstart.service.invocation import new_request_id
from warmstart.service.neighbours import session

__all__ = ["Arn", "Destinations", "NotDelivered"]


class NotDelivered(Exception):
    """A message could not be handed over; the text says why."""


class Arn(NamedTuple):
    """The parts of a destination's ARN."""

    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Raises `NotDelivered` if it is none."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn":
            raise NotDelivered(f"{text!r} is not an ARN")
        return cls(*parts[2:])


class Destinations:
    """`endpoints` are URLs by the service's name in ARNs: `sqs`, `sns`, `events`, `s3`.

    Threads may share it.
    """

    def __init__(
        self,
        endpoints: Mapping[str, str],
        *,
        region: str = "us-east-1",
    ) -> None:
        self._endpoints = endpoints
        self._region = region
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._sending = threading.local()
        self._senders: dict[str, Callable[[Any, Arn, Message], None]] = {
            "sqs": _send_to_sqs,
            "sns": _send_to_sns,
            "events": _send_to_events,
            "s3": _send_to_s3,
        }

    def close(self) -> None:
        """Close the connections. What is sent later opens new ones."""
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def send(self, message: Message) -> None:
        """Hand a message over, and wait for the answer.

        Raises:
            NotDelivered: it was not taken.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        arn = Arn.parse(message.target)
        sender = self._senders.get(arn.service)
        if sender is None:
            raise NotDelivered(f"{arn.service!r} cannot be a destination")
        self._sending.trace_id = message.trace_id
        try:
            sender(self._client(arn), arn, message)
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise NotDelivered(str(error)) from error

    def _client(self, arn: Arn) -> Any:
        endpoint = self._endpoints.get(arn.service)
        if endpoint is None:
            raise NotDelivered(
                f"no endpoint is configured for {arn.service}:"
                f" set AWS_ENDPOINT_URL_{_VARIABLES[arn.service]}, or AWS_ENDPOINT_URL"
            )
        region = arn.region or self._region
        with self._lock:  # botocore's sessions are not for several threads, its clients are
            client = self._clients.get((arn.service, region))
            if client is None:
                client = _connect(arn.service, region, endpoint)
                client.meta.events.register("before-call", self._add_trace)
                self._clients[arn.service, region] = client
        return client

    def _add_trace(self, params: dict[str, Any], **_: Any) -> None:
        """As the SDKs do in a function; not every service has a parameter for it."""
        params["headers"]["X-Amzn-Trace-Id"] = self._sending.trace_id


_VARIABLES = {"sqs": "SQS", "sns": "SNS", "events": "EVENTBRIDGE", "s3": "S3"}


def _connect(service: str, region: str, endpoint: str) -> Any:
    from botocore.config import Config

    return session(made_up=True).create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"total_max_attempts": 1},  # the queue repeats, and says so
            s3={"addressing_style": "path"},
        ),
    )


def _send_to_sqs(client: Any, arn: Arn, message: Message) -> None:
    found = client.get_queue_url(QueueName=arn.resource, QueueOwnerAWSAccountId=arn.account)
    client.send_message(
        QueueUrl=found["QueueUrl"],
        MessageBody=message.body,
        MessageAttributes=_attributes(message),
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": message.trace_id}
        },
    )


def _send_to_sns(client: Any, arn: Arn, message: Message) -> None:
    client.publish(
        TopicArn=message.target, Message=message.body, MessageAttributes=_attributes(message)
    )


def _send_to_events(client: Any, arn: Arn, message: Message) -> None:
    result = "Success" if message.condition == Condition.SUCCESS else "Failure"
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {result}",
        "Detail": message.body,
        "Resources": [message.target, message.function_arn],
        "EventBusName": message.target,
        "Time": datetime.fromtimestamp(message.created, UTC),
        "TraceHeader": message.trace_id,
    }
    answer = client.put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        failed = answer["Entries"][0]
        raise NotDelivered(f"{failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")


def _send_to_s3(client: Any, arn: Arn, message: Message) -> None:
    function = message.function_arn.split(":")[6]
    moment = datetime.fromtimestamp(message.created, UTC)
    key = f"aws/lambda/async/{function}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{new_request_id()}"
    client.put_object(
        Bucket=arn.resource,
        Key=message.key or key,
        Body=message.body.encode(),
        ContentType="application/json",
    )


def _attributes(message: Message) -> dict[str, dict[str, str]]:
    return {
        name: {"DataType": kind, "StringValue": value}
        for name, (kind, value) in message.attributes.items()
    }
