"""A function's whole life as an SDK's user leads it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.service.whole.clients import RUNTIME, Aws, archive

ECHO = """
import os
def handler(event, context):
    print("got", event)
    return {"event": event, "color": os.environ.get("COLOR"), "version": context.function_version}
"""


def test_a_function_is_created_configured_published_and_deleted(aws: Aws) -> None:
    api = aws.client("lambda")
    created = aws.create("life", ECHO, Environment={"Variables": {"COLOR": "red"}})
    assert created["State"] == "Pending"
    assert aws.invoke("life", 1) == {"event": 1, "color": "red", "version": "$LATEST"}

    updated = api.update_function_configuration(
        FunctionName="life", Environment={"Variables": {"COLOR": "blue"}}
    )
    assert updated["LastUpdateStatus"] == "InProgress"
    aws.wait("function_updated_v2", FunctionName="life")
    assert aws.invoke("life", 2)["color"] == "blue"

    published = api.publish_version(FunctionName="life")
    assert published["Version"] == "1"
    aws.wait("published_version_active", FunctionName="life", Qualifier="1")
    new = ECHO.replace("{", '{"new": True, ', 1)
    api.update_function_code(FunctionName="life", ZipFile=archive(app=new))
    aws.wait("function_updated_v2", FunctionName="life")
    api.create_alias(FunctionName="life", Name="prod", FunctionVersion="1")
    assert aws.invoke("life", 3, Qualifier="prod")["version"] == "1"
    assert aws.invoke("life", 3)["new"]

    second = api.publish_version(FunctionName="life")["Version"]
    api.update_alias(FunctionName="life", Name="prod", FunctionVersion=second)
    assert aws.invoke(f"{created['FunctionArn']}:prod", 4)["version"] == second

    api.delete_function(FunctionName="life")
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        aws.invoke("life", 5)


def test_an_aliass_weights_lead_to_both_versions(aws: Aws) -> None:
    api = aws.client("lambda")
    aws.create("weighted", ECHO, Publish=True)
    api.update_function_configuration(FunctionName="weighted", Description="second")
    aws.wait("function_updated_v2", FunctionName="weighted")
    api.publish_version(FunctionName="weighted")
    api.create_alias(
        FunctionName="weighted",
        Name="split",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )

    seen = {aws.invoke("weighted", None, Qualifier="split")["version"] for _ in range(40)}

    assert seen == {"1", "2"}


def test_a_layer_is_found_by_the_code_after_its_own_modules(aws: Aws) -> None:
    api = aws.client("lambda")
    layers = []
    for number in (1, 2):
        made = api.publish_layer_version(
            LayerName=f"layer{number}",
            Content={"ZipFile": archive(**{"python/shared": f"NUMBER = {number}"})},
            CompatibleRuntimes=[RUNTIME],
        )
        layers.append(made["LayerVersionArn"])
    code = "import shared\ndef handler(event, context): return shared.NUMBER"

    aws.create("layered", code, Layers=layers)

    assert aws.invoke("layered") == 2  # the last layer's file is on top


def test_an_answer_is_streamed_and_ends_with_the_log(aws: Aws) -> None:
    code = """
import json
def handler(event, context):
    print("streaming")
    return "x" * 100_000
"""
    aws.create("streamed", code)
    answer = aws.client("lambda").invoke_with_response_stream(
        FunctionName="streamed", LogType="Tail"
    )

    events = list(answer["EventStream"])
    body = b"".join(each["PayloadChunk"]["Payload"] for each in events if "PayloadChunk" in each)
    end = events[-1]["InvokeComplete"]

    assert json.loads(body) == "x" * 100_000
    assert "ErrorCode" not in end
    assert b"streaming" in base64.b64decode(end["LogResult"])


def test_the_tail_of_the_log_comes_with_the_answer_and_is_in_cloudwatch(aws: Aws) -> None:
    aws.create("logged", ECHO)
    answer = aws.client("lambda").invoke(FunctionName="logged", Payload=b'"hi"', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "got hi" in tail
    assert f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}" in tail

    found = aws.client("logs").filter_log_events(
        logGroupName="/aws/lambda/logged", filterPattern='"got hi"'
    )

    assert [event["message"].strip() for event in found["events"]] == ["got hi"]


def test_reserved_concurrency_is_the_most_that_runs(aws: Aws) -> None:
    api = aws.client("lambda")
    aws.create("reserved", ECHO)
    api.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=0)

    with pytest.raises(api.exceptions.TooManyRequestsException) as caught:
        aws.invoke("reserved")

    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    api.delete_function_concurrency(FunctionName="reserved")
    assert aws.invoke("reserved", 1)["event"] == 1


def test_provisioned_environments_are_ready_before_they_are_asked_for(aws: Aws) -> None:
    api = aws.client("lambda")
    code = """
import os
def handler(event, context): return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""
    aws.create("provisioned", code, Publish=True)
    named = {"FunctionName": "provisioned", "Qualifier": "1"}
    api.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=1)
    status: Any = None
    for _ in range(300):
        status = api.get_provisioned_concurrency_config(**named)
        if status["Status"] != "IN_PROGRESS":
            break
        time.sleep(0.05)

    assert status["Status"] == "READY"
    assert aws.invoke("provisioned", Qualifier="1") == "provisioned-concurrency"


def test_a_function_url_answers_with_what_the_function_made_of_the_request(aws: Aws) -> None:
    code = """
def handler(event, context):
    return {"statusCode": 201, "headers": {"x-path": event["rawPath"]}, "body": event["body"]}
"""
    aws.create("urled", code)
    url = aws.client("lambda").create_function_url_config(FunctionName="urled", AuthType="NONE")
    aws.client("lambda").add_permission(
        FunctionName="urled",
        StatementId="public",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    host = urlsplit(url["FunctionUrl"]).netloc

    answer = httpx.post(
        f"{aws.url}/a/b", content="hello", headers={"Host": host, "Content-Type": "text/plain"}
    )

    assert (answer.status_code, answer.headers["x-path"], answer.text) == (201, "/a/b", "hello")


def test_errors_are_those_that_boto3_knows(aws: Aws) -> None:
    api = aws.client("lambda")
    with pytest.raises(api.exceptions.ResourceNotFoundException) as missing:
        api.get_function(FunctionName="nowhere")
    assert missing.value.response["Error"]["Message"] == (
        "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nowhere"
    )
    assert missing.value.response["Type"] == "User"

    with pytest.raises(ClientError) as reserved:
        aws.create("reserving", ECHO, Environment={"Variables": {"AWS_REGION": "x"}})
    assert reserved.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": "Lambda was unable to configure your environment variables because the"
        " environment variables you have provided contains reserved keys that are currently not"
        " supported for modification. Reserved keys used in this request: AWS_REGION",
    }


def test_a_failure_of_the_function_is_told_in_its_own_words(aws: Aws) -> None:
    aws.create("failing", "def handler(event, context): raise ValueError('as asked')")
    answer = aws.client("lambda").invoke(FunctionName="failing")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == "ValueError"
    assert error["errorMessage"] == "as asked"


def test_functions_are_listed_page_by_page(aws: Aws) -> None:
    api = aws.client("lambda")
    names = {f"page{number}" for number in range(3)}
    for name in names:
        api.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role="arn:aws:iam::123456789012:role/r",
            Handler="app.handler",
            Code={"ZipFile": archive(app=ECHO)},
        )
    pages = list(api.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2}))

    listed = [each["FunctionName"] for page in pages for each in page["Functions"]]

    assert names <= set(listed)
    assert len(listed) == len(set(listed))
    assert all(len(page["Functions"]) <= 2 for page in pages)
