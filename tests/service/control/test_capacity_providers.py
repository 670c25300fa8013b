"""Expected: https://docs.aws.amazon.com/lambda/latest/api/API_CreateCapacityProvider.html"""

from __future__ import annotations

from typing import Any

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control

PROVIDER = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:p"
GIVEN: dict[str, Any] = {
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {
        "CapacityProviderOperatorRoleArn": "arn:aws:iam::123456789012:role/operator"
    },
}


async def test_a_provider_lives_and_versions_name_it(lambda_: Any, control: Control) -> None:
    which = {"CapacityProviderName": "p"}
    created = await call(lambda_.create_capacity_provider, **which, **GIVEN, Tags={"a": "b"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    provider = created["CapacityProvider"]
    assert (provider["CapacityProviderArn"], provider["State"]) == (PROVIDER, "Pending")
    assert {member: provider[member] for member in GIVEN} == GIVEN
    assert (await call(lambda_.list_tags, Resource=PROVIDER))["Tags"] == {"a": "b"}

    got = (await call(lambda_.get_capacity_provider, CapacityProviderName=PROVIDER))[
        "CapacityProvider"
    ]
    assert got == provider | {"State": "Active"}
    scaling = {"MaxVCpuCount": 10, "ScalingMode": "Auto"}
    updated = await call(
        lambda_.update_capacity_provider, **which, CapacityProviderScalingConfig=scaling
    )
    assert updated["CapacityProvider"] == got | {"CapacityProviderScalingConfig": scaling}
    listed = await call(lambda_.list_capacity_providers, State="Active")
    assert listed["CapacityProviders"] == [updated["CapacityProvider"]]
    assert (await call(lambda_.list_capacity_providers, State="Failed"))["CapacityProviders"] == []

    config = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": PROVIDER}}
    await control.create(Publish=True, CapacityProviderConfig=config)
    await control.create("other")
    versions = await call(lambda_.list_function_versions_by_capacity_provider, **which)
    assert versions["CapacityProviderArn"] == PROVIDER
    assert versions["FunctionVersions"] == [
        {"FunctionArn": f"{ARN}:$LATEST", "State": "ActiveNonInvocable"},
        {"FunctionArn": f"{ARN}:1", "State": "Active"},
    ]
    refused = await refusal(lambda_.delete_capacity_provider, **which)
    assert refused[:2] == (409, "ResourceConflictException")

    await call(lambda_.delete_function, FunctionName="f")
    deleted = await call(lambda_.delete_capacity_provider, **which)
    assert deleted["CapacityProvider"]["State"] == "Deleting"
    assert (await refusal(lambda_.get_capacity_provider, **which))[0] == 404
    assert (await refusal(lambda_.list_tags, Resource=PROVIDER))[0] == 404


async def test_a_name_is_taken_once_and_what_is_not_there_is_not_found(lambda_: Any) -> None:
    which = {"CapacityProviderName": "p"}
    for method in ("get", "update", "delete"):
        refused = await refusal(getattr(lambda_, f"{method}_capacity_provider"), **which)
        assert refused[:2] == (404, "ResourceNotFoundException")
        assert PROVIDER in refused[2]
    await call(lambda_.create_capacity_provider, **which, **GIVEN)
    refused = await refusal(lambda_.create_capacity_provider, **which, **GIVEN)
    assert refused[:2] == (409, "ResourceConflictException")
