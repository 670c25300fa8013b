"""moto's server, which we did not write, is SQS, SNS, EventBridge and S3."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.service.asynchronous.played import trace_headers
from warmstart.service.asynchronous.destinations import Destinations, NotDelivered
from warmstart.service.asynchronous.message import Message

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:my-function:$LATEST"
NOW = 1573755365.568  # 2019-11-14T18:16:05.568Z
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
SERVICES = ("sqs", "sns", "events", "s3")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(endpoint: str) -> Iterator[Any]:
    """boto3's clients of a service."""
    made = []

    def client(service: str, region: str = "us-east-1") -> Any:
        made.append(
            boto3.client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        )
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def destinations(endpoint: str) -> Iterator[Destinations]:
    made = Destinations(dict.fromkeys(SERVICES, endpoint))
    yield made
    made.close()


def message(target: str, **changes: Any) -> Message:
    members: dict[str, Any] = {
        "target": target,
        "body": '{"version":"1.0","requestPayload":{"a":"\u00df"}}',
        "attributes": {},
        "request_id": "e4b46cbf",
        "function_arn": FUNCTION,
        "condition": "RetriesExhausted",
        "trace_id": TRACE,
        "created": NOW,
        "due": NOW,
    }
    return Message(**members | changes)


LETTER = {
    "RequestID": ["String", "e4b46cbf"],
    "ErrorCode": ["Number", "200"],
    "ErrorMessage": ["String", "no"],
}
RECEIVED = {
    "RequestID": {"StringValue": "e4b46cbf", "DataType": "String"},
    "ErrorCode": {"StringValue": "200", "DataType": "Number"},
    "ErrorMessage": {"StringValue": "no", "DataType": "String"},
}


def queue(sqs: Any, name: str) -> tuple[str, str]:
    """A new queue's URL and ARN."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, answer["Attributes"]["QueueArn"]


def received(sqs: Any, url: str) -> dict[str, Any]:
    answer = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
    )
    (found,) = answer["Messages"]
    return dict(found)


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-3"])
def test_a_queue_gets_the_record_and_the_trace(
    aws: Any, destinations: Destinations, region: str
) -> None:
    sqs = aws("sqs", region)
    url, arn = queue(sqs, "records")

    destinations.send(message(arn))

    found = received(sqs, url)
    assert json.loads(found["Body"]) == {"version": "1.0", "requestPayload": {"a": "\u00df"}}
    assert "MessageAttributes" not in found
    assert found["Attributes"]["AWSTraceHeader"] == TRACE


def test_a_dead_letter_queue_gets_the_event_and_its_attributes(
    aws: Any, destinations: Destinations
) -> None:
    sqs = aws("sqs")
    url, arn = queue(sqs, "dead")

    destinations.send(message(arn, body='{"the": "event"}', attributes=LETTER))

    found = received(sqs, url)
    assert found["Body"] == '{"the": "event"}'
    assert found["MessageAttributes"] == RECEIVED


def test_a_topic_hands_the_message_and_its_attributes_on(
    aws: Any, destinations: Destinations
) -> None:
    sqs, sns = aws("sqs"), aws("sns")
    url, arn = queue(sqs, "subscriber")
    topic = sns.create_topic(Name="records")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    destinations.send(message(topic, body='{"the": "event"}', attributes=LETTER))

    notification = json.loads(received(sqs, url)["Body"])
    assert notification["Message"] == '{"the": "event"}'
    assert notification["MessageAttributes"] == {
        name: {"Type": each["DataType"], "Value": each["StringValue"]}
        for name, each in RECEIVED.items()
    }


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("Success", "Success"),
        ("RetriesExhausted", "Failure"),
        ("EventAgeExceeded", "Failure"),
        ("ZeroReservedConcurrency", "Failure"),
    ],
)
def test_a_rule_on_an_event_bus_finds_the_record(
    aws: Any, destinations: Destinations, condition: str, result: str
) -> None:
    sqs, events = aws("sqs"), aws("events")
    name = f"bus-{condition}"
    url, arn = queue(sqs, name)
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    detail_type = f"Lambda Function Invocation Result - {result}"
    pattern = {
        "source": ["lambda"],
        "detail-type": [detail_type],
        "detail": {"version": ["1.0"]},
    }
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "1", "Arn": arn}])

    destinations.send(message(bus, condition=condition))

    event = json.loads(received(sqs, url)["Body"])
    assert event["source"] == "lambda"
    assert event["detail-type"] == detail_type
    assert event["resources"] == [bus, FUNCTION]
    assert event["time"] == "2019-11-14T18:16:05Z"
    assert event["detail"] == {"version": "1.0", "requestPayload": {"a": "\u00df"}}


def test_a_bucket_gets_the_record_under_awss_key(aws: Any, destinations: Destinations) -> None:
    s3 = aws("s3")
    s3.create_bucket(Bucket="failures")

    destinations.send(message("arn:aws:s3:::failures"))

    (found,) = s3.list_objects_v2(Bucket="failures")["Contents"]
    # As in "Capturing records of Lambda asynchronous invocations".
    uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    prefix = "aws/lambda/async/my-function/2019/11/14/2019-11-14T18.16.05-"
    assert re.fullmatch(re.escape(prefix) + uuid, found["Key"])
    body = s3.get_object(Bucket="failures", Key=found["Key"])["Body"].read()
    assert json.loads(body) == {"version": "1.0", "requestPayload": {"a": "\u00df"}}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:missing", "NonExistentQueue"),
        ("arn:aws:sns:us-east-1:123456789012:missing", "NotFound"),
        ("arn:aws:s3:::missing", "NoSuchBucket"),
        ("arn:aws:dynamodb:us-east-1:123456789012:table/x", "'dynamodb' cannot be a destination"),
        ("queue", "'queue' is not an ARN"),
        ("arn:aws:sqs:us-east-1", "is not an ARN"),
    ],
)
def test_a_destination_that_does_not_take_the_message_says_why(
    destinations: Destinations, target: str, reason: str
) -> None:
    with pytest.raises(NotDelivered, match=reason):
        destinations.send(message(target))


def test_a_destination_that_cannot_be_reached_says_so() -> None:
    nobody = Destinations(dict.fromkeys(SERVICES, "http://127.0.0.1:1"))

    with pytest.raises(NotDelivered, match=r"Could not connect to the endpoint URL.*127\.0\.0\.1"):
        nobody.send(message("arn:aws:sqs:us-east-1:123456789012:q"))
    nobody.close()


@pytest.mark.parametrize("service", ["sns", "s3"])
async def test_the_chain_goes_on_where_a_service_has_no_parameter_for_it(service: str) -> None:
    async with trace_headers() as (url, seen):
        sender = Destinations({service: url})
        with suppress(NotDelivered):  # the answer is not that service's
            await asyncio.to_thread(sender.send, message(f"arn:aws:{service}:us-east-1:1:x"))
        sender.close()

    assert seen == [TRACE]


def test_nothing_is_sent_to_where_no_endpoint_leads() -> None:
    with pytest.raises(NotDelivered, match="set AWS_ENDPOINT_URL_EVENTBRIDGE"):
        Destinations({}).send(message("arn:aws:events:us-east-1:123456789012:event-bus/default"))


def test_the_variables_named_are_the_sdks_own() -> None:
    loader = boto3.Session()._session
    for service in SERVICES:
        with pytest.raises(NotDelivered) as refused:
            Destinations({}).send(message(f"arn:aws:{service}:us-east-1:123456789012:x"))
        model = loader.get_service_model(service)
        variable = f"AWS_ENDPOINT_URL_{model.service_id.hyphenize().replace('-', '_').upper()}"
        assert variable in str(refused.value)
