"""Expected are answers that AWS gave: those that LocalStack's tests recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control, function

PUBLISHERS = {
    "SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/signing-profiles/test"]
}
ABSENT = "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-00000000000000000"


async def test_a_configuration_lives_and_functions_have_it(lambda_: Any, control: Control) -> None:
    await control.create()
    created = await call(
        lambda_.create_code_signing_config,
        Description="Testing CodeSigning Config",
        AllowedPublishers=PUBLISHERS,
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    config = created["CodeSigningConfig"]
    arn = config["CodeSigningConfigArn"]
    assert config == {
        "AllowedPublishers": PUBLISHERS,
        "CodeSigningConfigArn": arn,
        "CodeSigningConfigId": arn.rpartition(":")[2],
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
        "Description": "Testing CodeSigning Config",
        "LastModified": "2026-11-24T12:00:00.250+0000",
    }

    which = {"CodeSigningConfigArn": arn}
    policies = {"UntrustedArtifactOnDeployment": "Warn"}
    updated = await call(lambda_.update_code_signing_config, **which, CodeSigningPolicies=policies)
    config = config | {"CodeSigningPolicies": policies}
    assert updated["CodeSigningConfig"] == config
    assert (await call(lambda_.get_code_signing_config, **which))["CodeSigningConfig"] == config
    assert (await call(lambda_.list_code_signing_configs))["CodeSigningConfigs"] == [config]

    put = await call(lambda_.put_function_code_signing_config, FunctionName=ARN, **which)
    assert (put["CodeSigningConfigArn"], put["FunctionName"]) == (arn, "f")
    got = await call(lambda_.get_function_code_signing_config, FunctionName="f")
    assert (got["CodeSigningConfigArn"], got["FunctionName"]) == (arn, "f")
    listed = await call(lambda_.list_functions_by_code_signing_config, **which)
    assert listed["FunctionArns"] == [ARN]
    refused = await refusal(lambda_.delete_code_signing_config, **which)
    assert refused[:2] == (409, "ResourceConflictException")

    await call(lambda_.delete_function_code_signing_config, FunctionName="f")
    await call(lambda_.delete_function_code_signing_config, FunctionName="f")
    got = await call(lambda_.get_function_code_signing_config, FunctionName="f")
    assert "CodeSigningConfigArn" not in got
    deleted = await call(lambda_.delete_code_signing_config, **which)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


async def test_a_function_may_be_created_with_a_configuration(
    lambda_: Any, control: Control
) -> None:
    created = await call(lambda_.create_code_signing_config, AllowedPublishers=PUBLISHERS)
    which = {"CodeSigningConfigArn": created["CodeSigningConfig"]["CodeSigningConfigArn"]}
    await call(lambda_.create_function, **function(**which))
    await control.settled()
    listed = await call(lambda_.list_functions_by_code_signing_config, **which)
    assert listed["FunctionArns"] == [ARN]
    await call(lambda_.delete_function, FunctionName="f")
    listed = await call(lambda_.list_functions_by_code_signing_config, **which)
    assert listed["FunctionArns"] == []

    refused = await refusal(lambda_.create_function, **function(CodeSigningConfigArn=ABSENT))
    assert refused[:2] == (404, "CodeSigningConfigNotFoundException")


NOT_FOUND = (
    404,
    "ResourceNotFoundException",
    f"The Lambda code signing configuration {ABSENT} can not be found.",
)
NO_FUNCTION = (404, "ResourceNotFoundException", f"Function not found: {ARN[:-1]}g")
NO_CONFIG = (
    404,
    "CodeSigningConfigNotFoundException",
    "The code signing configuration cannot be found. Check that the provided configuration is not"
    f" deleted: {ABSENT}.",
)


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        ("delete_code_signing_config", {"CodeSigningConfigArn": ABSENT}, NOT_FOUND),
        ("update_code_signing_config", {"CodeSigningConfigArn": ABSENT}, NOT_FOUND),
        ("get_code_signing_config", {"CodeSigningConfigArn": ABSENT}, NOT_FOUND),
        ("list_functions_by_code_signing_config", {"CodeSigningConfigArn": ABSENT}, NOT_FOUND),
        ("delete_function_code_signing_config", {"FunctionName": "g"}, NO_FUNCTION),
        ("get_function_code_signing_config", {"FunctionName": "g"}, NO_FUNCTION),
        (
            "put_function_code_signing_config",
            {"FunctionName": "f", "CodeSigningConfigArn": ABSENT},
            NO_CONFIG,
        ),
        (
            "put_function_code_signing_config",
            {"FunctionName": "g", "CodeSigningConfigArn": ABSENT},
            NO_CONFIG,
        ),
    ],
)
async def test_what_is_not_there_is_not_found_in_awss_words(
    lambda_: Any, control: Control, method: str, parameters: Any, expected: Any
) -> None:
    await control.create()
    assert await refusal(getattr(lambda_, method), **parameters) == expected
