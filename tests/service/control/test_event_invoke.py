"""Expected are answers that AWS gave: those that LocalStack's tests recorded, unless noted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control
from warmstart.service.asynchronous.configuration import AsyncConfig

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
EMPTY: dict[str, Any] = {"OnFailure": {}, "OnSuccess": {}}


def shown(output: dict[str, Any]) -> dict[str, Any]:
    assert output.pop("LastModified").timestamp() == pytest.approx(1795521600, abs=1)
    output.pop("ResponseMetadata", None)
    return output


async def test_a_configuration_is_put_updated_read_listed_and_deleted(
    lambda_: Any, control: Control
) -> None:
    await control.create(Publish=True)
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    which = {"FunctionName": "f"}
    put = await call(
        lambda_.put_function_event_invoke_config,
        **which,
        MaximumRetryAttempts=2,
        MaximumEventAgeInSeconds=60,
    )
    latest = {"DestinationConfig": EMPTY, "FunctionArn": f"{ARN}:$LATEST"}
    assert shown(put) == {**latest, "MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}
    updated = await call(
        lambda_.update_function_event_invoke_config, **which, MaximumRetryAttempts=0
    )
    assert shown(updated) == {**latest, "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    put = await call(
        lambda_.put_function_event_invoke_config, FunctionName="f:$LATEST", MaximumRetryAttempts=0
    )
    assert shown(put) == {**latest, "MaximumRetryAttempts": 0}
    got = await call(lambda_.get_function_event_invoke_config, **which)
    assert shown(got) == {**latest, "MaximumRetryAttempts": 0}

    for name, qualifier in ((ARN, "live"), ("123456789012:function:f:1", "1")):
        put = await call(
            lambda_.put_function_event_invoke_config,
            FunctionName=name,
            Qualifier=qualifier,
            MaximumRetryAttempts=1,
        )
        assert put["FunctionArn"] == f"{ARN}:{qualifier}"
    listed = await call(lambda_.list_function_event_invoke_configs, **which)
    arns = [each["FunctionArn"] for each in listed["FunctionEventInvokeConfigs"]]
    assert arns == [f"{ARN}:$LATEST", f"{ARN}:1", f"{ARN}:live"]

    for name in ("f", "f:1", "f:live"):
        deleted = await call(lambda_.delete_function_event_invoke_config, FunctionName=name)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    listed = await call(lambda_.list_function_event_invoke_configs, **which)
    assert listed["FunctionEventInvokeConfigs"] == []


def invalid(message: str) -> tuple[int, str, str]:
    return 400, "InvalidParameterValueException", message


def not_found(message: str) -> tuple[int, str, str]:
    return 404, "ResourceNotFoundException", message


IAM = "arn:aws:iam:us-east-1:123456789012:function:f"
RETRY = {"MaximumRetryAttempts": 1}
NO_FUNCTION = not_found("The function doesn't exist.")


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("put", {"FunctionName": "g", **RETRY}, NO_FUNCTION),
        ("put", {"Qualifier": "absent", **RETRY}, NO_FUNCTION),
        ("update", {"FunctionName": "g", **RETRY}, NO_FUNCTION),
        (
            "put",
            {},
            invalid("You must specify at least one of error handling or destination setting."),
        ),
        (
            "put",
            {"FunctionName": "f:1", "Qualifier": "2", **RETRY},
            invalid(
                "The derived qualifier from the function name does not match the specified"
                " qualifier."
            ),
        ),
        (
            "put",
            {"DestinationConfig": {"OnSuccess": {"Destination": f"{ARN}x"}}},
            invalid(f"The destination ARN {ARN}x is invalid."),
        ),
        (
            "put",
            {"DestinationConfig": {"OnSuccess": {"Destination": ARN}}},
            invalid("You can't specify the function as a destination for itself."),
        ),
        (
            "put",
            {"DestinationConfig": {"OnSuccess": {"Destination": IAM}}},
            invalid(
                "The provided destination config DestinationConfig(onSuccess=OnSuccess("
                f"destination={IAM}), onFailure=null) is invalid."
            ),
        ),
        (
            "get",
            {},
            not_found(f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"),
        ),
        (
            "get",
            {"FunctionName": "g"},
            not_found(f"The function {ARN[:-1]}g:$LATEST doesn't have an EventInvokeConfig"),
        ),
        (
            "get",
            {"Qualifier": "absent"},
            not_found(f"The function {ARN}:absent doesn't have an EventInvokeConfig"),
        ),
        (
            "update",
            RETRY,
            not_found(f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig"),
        ),
        (
            "delete",
            {"FunctionName": "g"},
            not_found(f"The function {ARN[:-1]}g:$LATEST doesn't have an EventInvokeConfig"),
        ),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(
    lambda_: Any, control: Control, operation: str, parameters: Any, expected: Any
) -> None:
    await control.create()
    given = {"FunctionName": "f", **parameters}
    method = getattr(lambda_, f"{operation}_function_event_invoke_config")
    assert await refusal(method, **given) == expected


async def test_the_configurations_of_no_function_are_not_listed(lambda_: Any) -> None:
    method = lambda_.list_function_event_invoke_configs
    assert await refusal(method, FunctionName="g") == NO_FUNCTION


async def test_destinations_may_be_left_out_and_other_functions(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    await control.create("other")
    configs: list[dict[str, Any]] = [
        {"OnSuccess": {}},
        {"OnSuccess": {"Destination": f"{ARN[:-1]}other"}},
        {"OnFailure": {"Destination": QUEUE}},
        {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}},
        {"OnFailure": {"Destination": "arn:aws:lambda:eu-west-1:123456789012:function:x"}},
    ]
    for config in configs:
        put = await call(
            lambda_.put_function_event_invoke_config, FunctionName="f", DestinationConfig=config
        )
        assert shown(put)["DestinationConfig"] == EMPTY | config


async def test_asynchronous_invocations_are_told_what_is_set(control: Control) -> None:
    # Defaults: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
    dead = {"TargetArn": f"{QUEUE}-dead"}
    await control.create(DeadLetterConfig=dead)
    configs = control.control.event_invoke
    assert configs.async_config("f", "$LATEST") == AsyncConfig(
        maximum_retry_attempts=2,
        maximum_event_age_in_seconds=21_600,
        on_success=None,
        on_failure=None,
        dead_letter=f"{QUEUE}-dead",
        reserved_concurrency=None,
    )
    await control.call(
        "PutFunctionEventInvokeConfig",
        FunctionName="f",
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}},
    )
    await control.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=3)
    assert configs.async_config("f", "$LATEST") == AsyncConfig(
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=60,
        on_success=None,
        on_failure=QUEUE,
        dead_letter=f"{QUEUE}-dead",
        reserved_concurrency=3,
    )
    await control.call("DeleteFunction", FunctionName="f")
    assert configs.async_config("f", "$LATEST").dead_letter is None
