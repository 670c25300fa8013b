"""Expected members and texts are recorded from AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.control.plane import ARN, Control, function


async def two_versions(control: Control) -> None:
    await control.create(Publish=True)
    await control.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=4)
    await control.settled()
    await control.call("PublishVersion", FunctionName="f")


async def alias(control: Control, name: str, version: str, **parameters: Any) -> dict[str, Any]:
    return await control.call(
        "CreateAlias", FunctionName="f", Name=name, FunctionVersion=version, **parameters
    )


def weights(**versions: float) -> dict[str, dict[str, float]]:
    return {"AdditionalVersionWeights": {name[1:]: weight for name, weight in versions.items()}}


async def test_an_alias_leads_to_a_version(control: Control) -> None:
    await two_versions(control)
    created = await alias(control, "live", "1")
    assert created == {
        "AliasArn": f"{ARN}:live",
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "",
        "RevisionId": created["RevisionId"],
    }
    assert await control.call("GetAlias", FunctionName="f", Name="live") == created
    assert control.plane.aliases == {("f", "live"): {"1": 1.0}}

    got = await control.call("GetFunction", FunctionName="f", Qualifier="live")
    assert got["Configuration"]["FunctionArn"] == f"{ARN}:live"
    assert got["Configuration"]["Version"] == "1"


async def test_an_alias_may_split_between_two_versions(control: Control) -> None:
    await two_versions(control)
    created = await alias(control, "live", "1", RoutingConfig=weights(_2=0.25))
    assert created["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.25}}
    assert control.plane.aliases == {("f", "live"): {"1": 0.75, "2": 0.25}}

    update = {"FunctionName": "f", "Name": "live"}
    updated = await control.call("UpdateAlias", **update, Description="new")
    assert updated["RoutingConfig"] == created["RoutingConfig"]
    updated = await control.call("UpdateAlias", **update, RoutingConfig={})
    assert "RoutingConfig" not in updated
    assert updated["Description"] == "new"
    assert control.plane.aliases == {("f", "live"): {"1": 1.0}}


async def test_an_update_changes_the_revision_and_may_ask_for_one(control: Control) -> None:
    await two_versions(control)
    created = await alias(control, "live", "1")
    update = {"FunctionName": "f", "Name": "live", "FunctionVersion": "2"}
    updated = await control.call("UpdateAlias", **update, RevisionId=created["RevisionId"])
    assert updated["FunctionVersion"] == "2"
    assert updated["RevisionId"] != created["RevisionId"]

    assert await control.refused("UpdateAlias", **update, RevisionId=created["RevisionId"]) == (
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the"
        " GetFunction/GetAlias API to retrieve the latest Revision Id",
    )


async def test_aliases_are_listed_by_name_or_by_version(control: Control) -> None:
    await two_versions(control)
    for name, version in (("c", "1"), ("a", "1"), ("b", "2")):
        await alias(control, name, version)

    async def listed(**parameters: Any) -> list[str]:
        output = await control.call("ListAliases", FunctionName="f", **parameters)
        return [each["Name"] for each in output["Aliases"]]

    assert await listed() == ["a", "b", "c"]
    assert await listed(FunctionVersion="1") == ["a", "c"]
    assert await listed(MaxItems=1) == ["a"]


async def test_a_deleted_alias_is_gone_and_may_be_deleted_again(control: Control) -> None:
    await two_versions(control)
    await alias(control, "live", "1")
    for _ in range(2):
        assert await control.call("DeleteAlias", FunctionName="f", Name="live") == {}

    assert control.plane.aliases == {}
    assert await control.refused("GetAlias", FunctionName="f", Name="live") == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:live",
    )


@pytest.mark.parametrize(
    ("version", "routing", "error"),
    [
        (
            "1",
            weights(_1=0.5),
            (
                "InvalidParameterValueException",
                "Invalid function version 1. Function version 1 is already included in routing"
                " configuration.",
            ),
        ),
        (
            "1",
            weights(_2=0.5, _3=0.5),
            (
                "InvalidParameterValueException",
                "Number of items in AdditionalVersionWeights cannot be greater than 1",
            ),
        ),
        (
            "$LATEST",
            weights(_1=0.5),
            (
                "InvalidParameterValueException",
                "$LATEST is not supported for an alias pointing to more than 1 version",
            ),
        ),
        (
            "1",
            weights(_9=0.5),
            ("ResourceNotFoundException", f"Function not found: {ARN}:9"),
        ),
        ("9", {}, ("ResourceNotFoundException", f"Function not found: {ARN}:9")),
    ],
)
async def test_an_alias_cannot_lead_anywhere_else(
    control: Control, version: str, routing: dict[str, Any], error: tuple[str, str]
) -> None:
    await two_versions(control)
    refused = await control.refused(
        "CreateAlias",
        FunctionName="f",
        Name="live",
        FunctionVersion=version,
        RoutingConfig=routing,
    )
    assert refused == error


async def test_an_alias_is_created_once(control: Control) -> None:
    await two_versions(control)
    await alias(control, "live", "1")
    refused = await control.refused(
        "CreateAlias", FunctionName="f", Name="live", FunctionVersion="2"
    )
    assert refused == ("ResourceConflictException", f"Alias already exists: {ARN}:live")


async def test_an_alias_of_a_version_that_is_being_created_works_once_it_is(
    control: Control,
) -> None:
    await control.call("CreateFunction", **function(Publish=True))
    await alias(control, "live", "1")
    await control.settled()
    assert control.plane.aliases == {("f", "live"): {"1": 1.0}}
