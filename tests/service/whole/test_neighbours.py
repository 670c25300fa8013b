"""Code from S3, results to SQS, SNS and other functions, and boto3 within functions."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.service.whole.clients import Aws, archive


def eventually(look: Callable[[], Any]) -> Any:
    """What is found once there is something."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came")


def queue(aws: Aws) -> tuple[str, str]:
    """A new queue's URL and ARN."""
    sqs = aws.client("sqs")
    url: str = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def received(aws: Aws, url: str) -> Any:
    def look() -> list[Any]:
        answer = aws.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])
        found: list[Any] = answer.get("Messages", [])
        return found

    return eventually(look)[0]


def test_code_comes_from_s3(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(
        Bucket="code",
        Key="app.zip",
        Body=archive(app="def handler(event, context): return 'from S3'"),
    )

    aws.create("from-s3", b"", Code={"S3Bucket": "code", "S3Key": "app.zip"})

    assert aws.invoke("from-s3") == "from S3"


def test_an_events_success_goes_to_its_destination(aws: Aws) -> None:
    url, arn = queue(aws)
    aws.create("succeeds", "def handler(event, context): return {'did': event}")
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="succeeds", DestinationConfig={"OnSuccess": {"Destination": arn}}
    )

    answer = aws.client("lambda").invoke(
        FunctionName="succeeds", InvocationType="Event", Payload=b'{"n": 1}'
    )

    assert answer["StatusCode"] == 202
    record = json.loads(received(aws, url)["Body"])
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"] == {"did": {"n": 1}}
    context = record["requestContext"]
    assert context["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert context["condition"] == "Success"


def test_an_event_that_always_fails_is_in_the_dead_letter_queue(aws: Aws) -> None:
    url, arn = queue(aws)
    aws.create(
        "fails",
        "def handler(event, context): raise RuntimeError('always')",
        DeadLetterConfig={"TargetArn": arn},
    )
    aws.client("lambda").invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"n": 2}')

    message = received(aws, url)

    assert json.loads(message["Body"]) == {"n": 2}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "always"


def test_a_failure_goes_to_a_topic_and_from_there_to_a_queue(aws: Aws) -> None:
    url, arn = queue(aws)
    topic = aws.client("sns").create_topic(Name="failures")["TopicArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.create("fails-once", "def handler(event, context): raise RuntimeError('no')")
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails-once",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": topic}},
    )
    aws.client("lambda").invoke(FunctionName="fails-once", InvocationType="Event", Payload=b"3")

    notification = json.loads(received(aws, url)["Body"])

    record = json.loads(notification["Message"])
    assert record["requestPayload"] == 3
    assert record["requestContext"]["condition"] == "RetriesExhausted"


def test_a_queues_messages_reach_the_function_that_it_is_mapped_to(aws: Aws) -> None:
    source, arn = queue(aws)
    answers, _ = queue(aws)
    code = """
import boto3
def handler(event, context):
    for record in event["Records"]:
        boto3.client("sqs").send_message(QueueUrl=record["body"], MessageBody=record["eventSource"])
"""
    aws.create("mapped", code)
    mapping = aws.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="mapped"
    )

    aws.client("sqs").send_message(QueueUrl=source, MessageBody=answers)

    assert received(aws, answers)["Body"] == "aws:sqs"
    aws.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])


CALLS = """
import json, os
import boto3

def handler(event, context):
    if event == "ask":
        return "answered"
    sqs = boto3.client("sqs")
    sqs.send_message(QueueUrl=event, MessageBody="from a function")
    answer = boto3.client("lambda").invoke(
        FunctionName=os.environ["AWS_LAMBDA_FUNCTION_NAME"], Payload=b'"ask"'
    )
    role = boto3.client("iam").get_role(RoleName="worker")["Role"]["Arn"]
    return [json.loads(answer["Payload"].read()), role]
"""


def test_boto3_in_a_function_finds_its_services(aws: Aws) -> None:
    url, _ = queue(aws)
    role = aws.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")
    aws.create("calls", CALLS, Role=role["Role"]["Arn"])

    assert aws.invoke("calls", url) == ["answered", role["Role"]["Arn"]]
    assert received(aws, url)["Body"] == "from a function"
