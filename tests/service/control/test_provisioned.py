"""Expected members and texts are recorded from AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.control.plane import ARN, Control


async def put(control: Control, qualifier: str, count: int = 2) -> dict[str, Any]:
    return await control.call("PutProvisionedConcurrencyConfig", **wanted(qualifier, count))


def wanted(qualifier: str, count: int = 2, name: str = "f") -> dict[str, Any]:
    return {
        "FunctionName": name,
        "Qualifier": qualifier,
        "ProvisionedConcurrentExecutions": count,
    }


async def prepare(control: Control, **alias: Any) -> None:
    await control.create(Publish=True)
    await control.call(
        "CreateAlias", **{"FunctionName": "f", "Name": "live", "FunctionVersion": "1"} | alias
    )


@pytest.mark.parametrize("qualifier", ["1", "live"])
async def test_it_is_in_progress_and_then_ready(control: Control, qualifier: str) -> None:
    await prepare(control)
    assert await put(control, qualifier) == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": "2026-11-24T12:00:00.250+0000",
    }
    ready = {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "Status": "READY",
        "LastModified": "2026-11-24T12:00:00.250+0000",
    }
    which = {"FunctionName": "f", "Qualifier": qualifier}
    assert await control.call("GetProvisionedConcurrencyConfig", **which) == ready
    listed = await control.call("ListProvisionedConcurrencyConfigs", FunctionName="f")
    assert listed["ProvisionedConcurrencyConfigs"] == [
        {"FunctionArn": f"{ARN}:{qualifier}", **ready}
    ]
    assert control.plane.provisioned == {("f", qualifier): 2}

    for _ in range(2):  # as often as one likes
        assert await control.call("DeleteProvisionedConcurrencyConfig", **which) == {}
    assert control.plane.provisioned == {}
    assert await control.refused("GetProvisionedConcurrencyConfig", **which) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


async def test_a_version_is_provisioned_for_itself_or_for_an_alias(control: Control) -> None:
    await prepare(control)
    await put(control, "1")
    assert await control.refused("PutProvisionedConcurrencyConfig", **wanted("live")) == (
        "ResourceConflictException",
        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned"
        " version",
    )
    await control.call("DeleteProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
    await put(control, "live")
    assert await control.refused("PutProvisionedConcurrencyConfig", **wanted("1")) == (
        "ResourceConflictException",
        "Version is pointed by a Provisioned Concurrency alias",
    )


async def test_with_its_alias_it_goes(control: Control) -> None:
    await prepare(control)
    await put(control, "live")
    await control.call("DeleteAlias", FunctionName="f", Name="live")
    assert control.plane.provisioned == {}

    listed = await control.call("ListProvisionedConcurrencyConfigs", FunctionName="f")
    assert listed == {"ProvisionedConcurrencyConfigs": []}
    which = {"FunctionName": "f", "Qualifier": "live"}
    assert await control.refused("GetProvisionedConcurrencyConfig", **which) == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:live",
    )


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (
            wanted("$LATEST"),
            (
                "InvalidParameterValueException",
                "Provisioned Concurrency Configs cannot be applied to unpublished function"
                " versions.",
            ),
        ),
        (
            wanted("noalias", name="doesnotexist"),
            (
                "ResourceNotFoundException",
                f"Cannot find alias arn: {ARN[:-1]}doesnotexist:noalias",
            ),
        ),
        (
            wanted("1", name="doesnotexist"),
            ("ResourceNotFoundException", f"Function not found: {ARN[:-1]}doesnotexist:1"),
        ),
        (
            wanted("10"),
            ("ResourceNotFoundException", f"Function not found: {ARN}:10"),
        ),
        (
            wanted("1", 901),
            (
                "InvalidParameterValueException",
                "Specified ConcurrentExecutions for function decreases account's"
                " UnreservedConcurrentExecution below its minimum value of [100].",
            ),
        ),
        (
            wanted("1", 1001),
            (
                "InvalidParameterValueException",
                "Specified ConcurrentExecutions for function is greater than account's unreserved"
                " concurrency [1000].",
            ),
        ),
    ],
)
async def test_what_is_refused(
    control: Control, parameters: dict[str, Any], error: tuple[str, str]
) -> None:
    await prepare(control)
    assert await control.refused("PutProvisionedConcurrencyConfig", **parameters) == error


async def test_it_fits_into_what_is_reserved(control: Control) -> None:
    await prepare(control)
    await control.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=3)
    await put(control, "1", 3)
    assert await control.refused("PutProvisionedConcurrencyConfig", **wanted("1", 4)) == (
        "InvalidParameterValueException",
        "Requested Provisioned Concurrency should not be greater than the"
        " reservedConcurrentExecution for function",
    )


async def test_an_alias_with_weights_has_none(control: Control) -> None:
    await control.create(Publish=True)
    await control.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=4)
    await control.settled()
    await control.call("PublishVersion", FunctionName="f")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    await control.call(
        "CreateAlias",
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig=routing,
    )
    assert await control.refused("PutProvisionedConcurrencyConfig", **wanted("live")) == (
        "InvalidParameterValueException",
        "Alias with weights can not be used with Provisioned Concurrency",
    )


async def test_latest_has_none_to_get_or_delete(control: Control) -> None:
    await prepare(control)
    for operation in ("GetProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig"):
        assert await control.refused(operation, FunctionName="f", Qualifier="$LATEST") == (
            "InvalidParameterValueException",
            "The function resource provided must be an alias or a published version.",
        )
