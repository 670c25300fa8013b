"""Events as AWS documents them, cut down to the members that tell something."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]

S3: Event = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "photos"}, "object": {"key": "red+flower.jpg"}},
        }
    ]
}
SNS: Event = {
    "Records": [
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "Sns": {"Type": "Notification", "Message": "hello"},
        }
    ]
}
SCHEDULE: Event = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/nightly"],
    "detail": {},
}
EVENTBRIDGE: Event = {
    "version": "0",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "resources": [],
    "detail": {"state": "terminated"},
}
WARMUP: Event = {"source": "serverless-plugin-warmup"}


def sqs(*ids: str) -> Event:
    """A batch of a standard queue."""
    return {"Records": [_message(identifier) for identifier in ids]}


def fifo(*ids_and_groups: tuple[str, str]) -> Event:
    """A batch of a FIFO queue."""
    records = []
    for number, (identifier, group) in enumerate(ids_and_groups):
        record = _message(identifier)
        record["eventSourceARN"] += ".fifo"
        record["attributes"] |= {
            "SequenceNumber": str(18849496460467696128 + number),
            "MessageGroupId": group,
        }
        records.append(record)
    return {"Records": records}


def kinesis(*sequence_numbers: str) -> Event:
    return {
        "Records": [
            {
                "kinesis": {"partitionKey": "1", "sequenceNumber": number, "data": "SGVsbG8="},
                "eventSource": "aws:kinesis",
                "eventID": f"shardId-000000000006:{number}",
            }
            for number in sequence_numbers
        ]
    }


def dynamodb(*sequence_numbers: str) -> Event:
    return {
        "Records": [
            {
                "eventID": f"event-{number}",
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"Keys": {"Id": {"N": "101"}}, "SequenceNumber": number},
            }
            for number in sequence_numbers
        ]
    }


def window(event: Event, *, final: bool = False) -> Event:
    """A stream's batch in a tumbling window."""
    source = event["Records"][0]["eventSource"].removeprefix("aws:")
    name = {"kinesis": "stream/lambda-stream", "dynamodb": "table/test/stream/2015-05-11"}[source]
    return event | {
        "Records": [] if final else event["Records"],
        "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
        "state": {"1": 282, "2": 715},
        "shardId": "shardId-000000000006",
        "eventSourceARN": f"arn:aws:{source}:us-east-1:123456789012:{name}",
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": False,
    }


def http(path: str, method: str = "GET", *, stage: str = "", body: str = "") -> Event:
    """A request through an HTTP API, payload 2.0; with a stage, its path begins with it."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.execute-api.us-east-1.amazonaws.com"},
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
            },
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "stage": stage or "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def function_url(path: str, method: str = "GET") -> Event:
    """A request through a Function URL, whose path comes percent-encoded."""
    event = http(path, method)
    domain = "abc.lambda-url.us-east-1.on.aws"
    event["headers"]["host"] = event["requestContext"]["domainName"] = domain
    return event


def _message(identifier: str) -> Event:
    return {
        "messageId": identifier,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": f"the body of {identifier}",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
    }


WEBSOCKET_DOMAIN = "abcd1234.execute-api.us-east-1.amazonaws.com"
WEBSOCKET_ENDPOINT = f"https://{WEBSOCKET_DOMAIN}/dev"


def connect(
    connection_id: str = "AAAA1234=", *, headers: dict[str, list[str]] | None = None
) -> Event:
    """A client asks a WebSocket API to be connected."""
    sent = {
        "Host": [WEBSOCKET_DOMAIN],
        "Sec-WebSocket-Key": ["asdfasdf=="],
        "Sec-WebSocket-Version": ["13"],
        "X-Forwarded-For": ["192.0.2.1"],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    } | (headers or {})
    return {
        "headers": {name: values[-1] for name, values in sent.items()},
        "multiValueHeaders": sent,
        "queryStringParameters": {"room": "7"},
        "multiValueQueryStringParameters": {"room": ["7"]},
        "requestContext": _websocket_context(connection_id, "$connect", "CONNECT"),
        "isBase64Encoded": False,
    }


def message(body: str, connection_id: str = "AAAA1234=", *, encoded: bool = False) -> Event:
    """A client has sent `body`, which is base64 if `encoded`."""
    context = _websocket_context(connection_id, "$default", "MESSAGE")
    context["messageId"] = "R1knPc2ntjMCFIA="
    return {"requestContext": context, "body": body, "isBase64Encoded": encoded}


def disconnect(
    connection_id: str = "AAAA1234=",
    code: int = 1005,
    reason: str = "Client-side close frame status not set",
) -> Event:
    """A client has left."""
    context = _websocket_context(connection_id, "$disconnect", "DISCONNECT")
    context |= {"disconnectStatusCode": code, "disconnectReason": reason}
    headers = {"Host": WEBSOCKET_DOMAIN, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": context,
        "isBase64Encoded": False,
    }


def _websocket_context(connection_id: str, route_key: str, event_type: str) -> Event:
    return {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": "ABCD1234=",
        "requestTime": "09/Feb/2024:18:23:28 +0000",
        "messageDirection": "IN",
        "stage": "dev",
        "connectedAt": 1707503007396,
        "requestTimeEpoch": 1707503008941,
        "identity": {"sourceIp": "192.0.2.1", "userAgent": "Mozilla/5.0"},
        "requestId": "ABCD1234=",
        "domainName": WEBSOCKET_DOMAIN,
        "connectionId": connection_id,
        "apiId": "abcd1234",
    }
