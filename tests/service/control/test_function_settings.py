"""Operations' pages: https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html"""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.control.plane import ARN, Control, function


async def test_a_runtime_is_updated_automatically_until_it_is_told_otherwise(
    control: Control,
) -> None:
    created = await control.create(Publish=True)
    runtime = created["RuntimeVersionConfig"]["RuntimeVersionArn"]
    auto = {"FunctionArn": ARN, "UpdateRuntimeOn": "Auto"}
    assert await control.call("GetRuntimeManagementConfig", FunctionName="f") == auto

    manual = {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": runtime}
    which = {"FunctionName": "f", "Qualifier": "1"}
    shown = {"FunctionArn": f"{ARN}:1", **manual}
    assert await control.call("PutRuntimeManagementConfig", **which, **manual) == shown
    assert await control.call("GetRuntimeManagementConfig", **which) == shown
    assert await control.call("GetRuntimeManagementConfig", FunctionName="f") == auto

    await control.call("DeleteFunction", **which)
    await control.call("PublishVersion", FunctionName="f")
    which["Qualifier"] = "2"
    got = await control.call("GetRuntimeManagementConfig", **which)
    assert got["UpdateRuntimeOn"] == "Auto"


@pytest.mark.parametrize(
    "setting",
    [
        {"UpdateRuntimeOn": "Manual"},
        {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:x"},
        {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": "arn:aws:lambda:us-east-1::runtime:x"},
        {"UpdateRuntimeOn": "Auto", "Qualifier": "live"},
    ],
)
async def test_a_runtime_management_that_makes_no_sense_is_refused(
    control: Control, setting: dict[str, Any]
) -> None:
    await control.create()
    code, _ = await control.refused("PutRuntimeManagementConfig", FunctionName="f", **setting)
    assert code == "InvalidParameterValueException"


async def test_runtime_management_waits_until_the_function_is_active(control: Control) -> None:
    await control.call("CreateFunction", **function())
    code, _ = await control.refused(
        "PutRuntimeManagementConfig", FunctionName="f", UpdateRuntimeOn="Auto"
    )
    assert code == "ResourceConflictException"


async def test_recursive_loops_are_terminated_unless_they_are_allowed(control: Control) -> None:
    await control.create()
    got = await control.call("GetFunctionRecursionConfig", FunctionName="f")
    assert got == {"RecursiveLoop": "Terminate"}

    await control.call("PutFunctionRecursionConfig", FunctionName="f", RecursiveLoop="Allow")
    got = await control.call("GetFunctionRecursionConfig", FunctionName=ARN)
    assert got == {"RecursiveLoop": "Allow"}
    assert control.control.recursion.recursive_loop("f") == "Allow"

    not_found = ("ResourceNotFoundException", f"Function not found: {ARN[:-1]}g")
    assert await control.refused("GetFunctionRecursionConfig", FunctionName="g") == not_found


async def test_a_version_on_managed_instances_has_a_scaling_configuration(
    control: Control,
) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:capacity-provider:p"
    provider = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}}
    await control.create(Publish=True, CapacityProviderConfig=provider)
    which = {"FunctionName": "f", "Qualifier": "1"}
    config = {"MinExecutionEnvironments": 3, "MaxExecutionEnvironments": 5}
    put = await control.call("PutFunctionScalingConfig", **which, FunctionScalingConfig=config)
    assert put == {"FunctionState": "Active"}
    assert await control.call("GetFunctionScalingConfig", **which) == {
        "FunctionArn": f"{ARN}:1",
        "AppliedFunctionScalingConfig": config,
    }

    config = {"MinExecutionEnvironments": 6, "MaxExecutionEnvironments": 5}
    code, _ = await control.refused(
        "PutFunctionScalingConfig", **which, FunctionScalingConfig=config
    )
    assert code == "InvalidParameterValueException"


async def test_other_functions_have_no_scaling_configuration(control: Control) -> None:
    await control.create(Publish=True)
    which = {"FunctionName": "f", "Qualifier": "1"}
    for operation in ("GetFunctionScalingConfig", "PutFunctionScalingConfig"):
        code, _ = await control.refused(operation, **which)
        assert code == "InvalidParameterValueException"
