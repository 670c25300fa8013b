"""Which source an event is known to be from."""

from __future__ import annotations

from typing import Any

import pytest

from tests.events import golden
from warmstart.events.source import Source, detect


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (golden.function_url, Source.FUNCTION_URL),
        (golden.http_api, Source.HTTP_V2),
        (golden.rest_api, Source.REST),
        (golden.http_api_v1, Source.HTTP_V1),
        (golden.alb, Source.ALB),
        (golden.alb_multi_value, Source.ALB),
        (golden.edge, Source.EDGE),
        (golden.lattice_v1, Source.LATTICE_V1),
        (golden.lattice_v2, Source.LATTICE_V2),
        (golden.websocket_connect, Source.WEBSOCKET),
        (golden.websocket_message, Source.WEBSOCKET),
        (golden.websocket_disconnect, Source.WEBSOCKET),
    ],
)
def test_front_doors_are_known(make: Any, source: Source) -> None:
    assert detect(make()) is source


def bus(**members: Any) -> dict[str, Any]:
    """An event of an EventBridge bus, as AWS's EventBridge guide describes it."""
    return {
        "version": "0",
        "id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-24T07:46:00Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:events:eu-west-1:123456789012:rule/nightly"],
        "detail": {},
    } | members


def records(**members: Any) -> dict[str, Any]:
    return {"Records": [members]}


# The marks of each source's events, by the page of it in AWS's Lambda developer guide.
@pytest.mark.parametrize(
    ("event", "source"),
    [
        (records(eventSource="aws:sqs", messageId="1", body="x"), Source.SQS),
        (records(EventSource="aws:sns", EventVersion="1.0", Sns={}), Source.SNS),
        (records(eventSource="aws:s3", eventName="ObjectCreated:Put", s3={}), Source.S3),
        (records(eventSource="aws:ses", eventVersion="1.0", ses={}), Source.SES),
        (records(eventSource="aws:kinesis", kinesis={}), Source.KINESIS),
        (records(eventSource="aws:dynamodb", dynamodb={}), Source.DYNAMODB),
        (records(eventSource="aws:codecommit", codecommit={}), Source.CODECOMMIT),
        (records(cf={"config": {}, "request": {}, "response": {}}), Source.EDGE_RESPONSE),
        ({"eventSource": "aws:kafka", "records": {}}, Source.KAFKA),
        ({"eventSource": "SelfManagedKafka", "records": {}}, Source.KAFKA),
        ({"eventSource": "aws:mq", "messages": []}, Source.MQ),
        ({"eventSource": "aws:rmq", "rmqMessagesByQueue": {}}, Source.MQ),
        ({"eventSource": "aws:docdb", "events": []}, Source.DOCUMENTDB),
        (bus(), Source.SCHEDULE),
        (bus(source="aws.scheduler"), Source.SCHEDULE),
        (bus(resources=None), Source.SCHEDULE),
        (bus(resources=[]), Source.SCHEDULE),
        (bus(**{"detail-type": "Object Created", "source": "aws.s3"}), Source.EVENTBRIDGE),
        ({"awslogs": {"data": "H4sI"}}, Source.CLOUDWATCH_LOGS),
        (
            {"triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {}, "response": {}},
            Source.COGNITO,
        ),
        (
            {"RequestType": "Create", "ResponseURL": "https://x", "StackId": "arn:x"},
            Source.CLOUDFORMATION,
        ),
        ({"CodePipeline.job": {"id": "1"}}, Source.CODEPIPELINE),
        ({"invokingEvent": "{}", "ruleParameters": "{}", "resultToken": "t"}, Source.CONFIG),
        (
            {"Step": "createSecret", "SecretId": "arn:x", "ClientRequestToken": "t"},
            Source.SECRETS_MANAGER,
        ),
        (
            {"invocationSchemaVersion": "2.0", "invocationId": "i", "job": {}, "tasks": []},
            Source.S3_BATCH,
        ),
        (
            {"xAmzRequestId": "r", "getObjectContext": {}, "userRequest": {"url": "https://x"}},
            Source.S3_OBJECT_LAMBDA,
        ),
        ({"deliveryStreamArn": "arn:x", "invocationId": "i", "records": []}, Source.FIREHOSE),
        (
            {"messageVersion": "1.0", "agent": {}, "actionGroup": "g", "httpMethod": "GET"},
            Source.BEDROCK_AGENT,
        ),
        (
            {
                "version": "1.0",
                "requestContext": {"functionArn": "arn:x", "condition": "RetriesExhausted"},
                "requestPayload": {},
            },
            Source.DESTINATION,
        ),
        (
            {"type": "TOKEN", "authorizationToken": "t", "methodArn": "arn:x"},
            Source.AUTHORIZER,
        ),
        (golden.rest_api() | {"type": "REQUEST", "methodArn": "arn:x"}, Source.AUTHORIZER),
        (golden.http_api() | {"type": "REQUEST", "routeArn": "arn:x"}, Source.AUTHORIZER),
        (golden.websocket_connect() | {"type": "REQUEST", "methodArn": "a"}, Source.AUTHORIZER),
    ],
)
def test_other_sources_are_known(event: Any, source: Source) -> None:
    assert detect(event) is source


@pytest.mark.parametrize(
    "event",
    [
        {"source": "serverless-plugin-warmup"},
        {"source": "serverless-plugin-lambda-warmup"},
        {"warmer": True, "concurrency": 3},
        bus(resources=["arn:aws:events:…:rule/app-dev-zappa-keep-warm-handler.keep_warm_callback"]),
    ],
)
def test_warm_up_pings_are_known(event: Any) -> None:
    assert detect(event) is Source.WARMUP


@pytest.mark.parametrize(
    "event",
    [
        None,
        True,
        0,
        1.5,
        "text",
        [],
        [{"eventSource": "aws:sqs"}],
        {},
        {"Records": []},
        {"Records": {}},
        {"Records": ["text"]},
        {"Records": [{}]},
        {"Records": [{"eventSource": 1}]},
        {"Records": [{"eventSource": "mine"}]},
        {"Records": [{"cf": "text"}]},
        {"eventSource": ["aws:kafka"]},
        {"eventSource": "mine"},
        {"requestContext": {}},
        {"requestContext": None},
        {"source": ["serverless-plugin-warmup"]},
        {"warmer": "no"},
        {"Error": "States.TaskFailed", "Cause": "…"},  # a state machine's input is anything
    ],
)
def test_every_other_value_is_a_direct_invoke(event: Any) -> None:
    assert detect(event) is Source.DIRECT


WINDOW = {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"}
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream"
TABLE = "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/test/stream/2015-05-11T21:21:33.291"


@pytest.mark.parametrize(
    ("members", "source"),
    [
        ({"window": WINDOW, "eventSourceARN": STREAM}, Source.KINESIS),
        ({"window": WINDOW, "eventSourceARN": TABLE}, Source.DYNAMODB),
        (
            {"window": WINDOW, "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q"},
            Source.DIRECT,
        ),
        ({"window": WINDOW, "eventSourceARN": None}, Source.DIRECT),
        ({"eventSourceARN": STREAM}, Source.DIRECT),
    ],
)
def test_the_end_of_a_tumbling_window_brings_no_records(
    members: dict[str, Any], source: Source
) -> None:
    assert detect({"Records": [], "isFinalInvokeForWindow": True, **members}) is source


def test_optional_members_make_no_difference() -> None:
    assert detect({"requestContext": {"http": {}}}) is Source.HTTP_V2
    assert detect({"requestContext": {"http": {}, "domainName": None}}) is Source.HTTP_V2
    assert detect({"requestContext": {"elb": {}}}) is Source.ALB
    assert detect({"requestContext": {}, "httpMethod": "GET"}) is Source.REST
    assert detect({"requestContext": {"connectionId": "x"}}) is Source.WEBSOCKET
    assert detect({"Records": [{"cf": {}}]}) is Source.EDGE


def test_sources_are_the_words_that_handlers_register_with() -> None:
    assert Source("s3") is Source.S3
    assert str(Source.CLOUDWATCH_LOGS) == "cloudwatch-logs"
