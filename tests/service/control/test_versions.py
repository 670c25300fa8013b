"""Expected members and texts are recorded from AWS."""

from __future__ import annotations

from tests.service.control.plane import ARN, Control, archive, function


async def update(control: Control, **parameters: object) -> None:
    await control.call("UpdateFunctionConfiguration", FunctionName="f", **parameters)
    await control.settled()


async def test_a_version_is_active_at_once_and_runs_what_was_published(control: Control) -> None:
    await control.create(Timeout=4)
    version = await control.call("PublishVersion", FunctionName="f", Description="first")
    await update(control, Timeout=5)

    assert (version["Version"], version["FunctionArn"]) == ("1", f"{ARN}:1")
    assert (version["State"], version["LastUpdateStatus"]) == ("Active", "Successful")
    assert version["Description"] == "first"
    assert control.plane.functions["f", "1"].timeout == 4
    assert control.plane.functions["f", "$LATEST"].timeout == 5
    got = await control.call("GetFunctionConfiguration", FunctionName="f", Qualifier="1")
    assert got == version


async def test_publishing_changes_the_revision_of_latest(control: Control) -> None:
    await control.create()
    before = await control.call("GetFunctionConfiguration", FunctionName="f")
    version = await control.call("PublishVersion", FunctionName="f")
    after = await control.call("GetFunctionConfiguration", FunctionName="f")

    assert len({each["RevisionId"] for each in (before, version, after)}) == 3
    assert before | {"RevisionId": ""} == after | {"RevisionId": ""}


async def test_without_a_change_the_last_version_is_given_again(control: Control) -> None:
    await control.create()
    first = await control.call("PublishVersion", FunctionName="f", Description="first")
    again = await control.call("PublishVersion", FunctionName="f", Description="second")
    assert again == first

    await control.call("UpdateFunctionCode", FunctionName="f", ZipFile=archive(), Publish=True)
    await control.settled()
    assert (await control.call("PublishVersion", FunctionName="f"))["Version"] == "1"

    await update(control, Description="other")
    assert (await control.call("PublishVersion", FunctionName="f"))["Version"] == "2"


async def test_a_number_is_never_given_twice(control: Control) -> None:
    await control.create(Publish=True)
    await control.call("DeleteFunction", FunctionName="f", Qualifier="1")
    assert list(control.plane.functions) == [("f", "$LATEST")]
    assert (await control.call("PublishVersion", FunctionName="f"))["Version"] == "2"


async def test_a_function_can_be_published_as_it_is_created(control: Control) -> None:
    created = await control.call("CreateFunction", **function(Publish=True))
    # The answer is about version 1, but has the function's own ARN.
    assert (created["Version"], created["FunctionArn"], created["State"]) == ("1", ARN, "Pending")

    await control.settled()
    got = await control.call("GetFunctionConfiguration", FunctionName="f:1")
    assert (got["FunctionArn"], got["State"]) == (f"{ARN}:1", "Active")
    again = await control.call("PublishVersion", FunctionName="f")
    assert again["Version"] == "1"


async def test_new_code_can_be_published_as_it_is_uploaded(control: Control) -> None:
    await control.create()
    code = archive({"app.py": "new"})
    updated = await control.call("UpdateFunctionCode", FunctionName="f", ZipFile=code, Publish=True)
    assert (updated["Version"], updated["FunctionArn"]) == ("1", f"{ARN}:1")

    await control.settled()
    functions = control.plane.functions
    assert functions["f", "1"].task_root == functions["f", "$LATEST"].task_root


async def test_a_version_is_published_only_of_the_code_that_is_meant(control: Control) -> None:
    created = await control.create()
    current = created["CodeSha256"]
    assert await control.refused("PublishVersion", FunctionName="f", CodeSha256="other") == (
        "InvalidParameterValueException",
        f"CodeSHA256 (other) is different from current CodeSHA256 in $LATEST ({current}). Please"
        " try again with the CodeSHA256 in $LATEST.",
    )
    await control.call("PublishVersion", FunctionName="f", CodeSha256=current)


async def test_versions_are_listed_by_number_and_without_their_states(control: Control) -> None:
    await control.create()
    for number in range(11):
        await update(control, Description=str(number))
        await control.call("PublishVersion", FunctionName="f")

    listed = await control.call("ListVersionsByFunction", FunctionName="f", MaxItems=10)
    rest = await control.call(
        "ListVersionsByFunction", FunctionName="f", Marker=listed["NextMarker"]
    )
    versions = listed["Versions"] + rest["Versions"]
    assert [each["Version"] for each in versions] == ["$LATEST", *map(str, range(1, 12))]
    assert versions[0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set(versions[1])


async def test_a_version_with_an_alias_is_not_deleted(control: Control) -> None:
    await control.create(Publish=True)
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert await control.refused("DeleteFunction", FunctionName="f", Qualifier="1") == (
        "ResourceConflictException",
        "Unable to delete version because the following aliases reference it: [live]",
    )


async def test_deleting_a_version_that_is_not_there_is_no_error(control: Control) -> None:
    await control.create()
    deleted = await control.call("DeleteFunction", FunctionName="f", Qualifier="7")
    assert deleted == {"StatusCode": 204}


async def test_a_version_that_is_not_there_is_not_found(control: Control) -> None:
    await control.create()
    assert await control.refused("GetFunction", FunctionName="f", Qualifier="1221") == (
        "ResourceNotFoundException",
        f"Function not found: {ARN}:1221",
    )


async def test_with_snap_start_a_version_is_pending_until_its_snapshot_is_there(
    control: Control,
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
    snap_start = {"ApplyOn": "PublishedVersions"}
    created = await control.create(Runtime="java21", SnapStart=snap_start, Code=BOOTSTRAP)
    assert created["SnapStart"] == {**snap_start, "OptimizationStatus": "Off"}

    version = await control.call("PublishVersion", FunctionName="f")
    assert version["SnapStart"] == {**snap_start, "OptimizationStatus": "On"}
    assert version["State"] == "Pending"
    await control.settled()
    assert control.plane.functions["f", "1"].snap_start
    assert not control.plane.functions["f", "$LATEST"].snap_start


PROVIDER = {
    "LambdaManagedInstancesCapacityProviderConfig": {
        "CapacityProviderArn": "arn:aws:lambda:us-east-1:123456789012:capacity-provider:p"
    }
}


async def test_on_managed_instances_only_what_is_published_runs(control: Control) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-version-publishing.html
    created = await control.create(CapacityProviderConfig=PROVIDER)
    assert created["MemorySize"] == 2048
    assert created["LoggingConfig"]["LogFormat"] == "JSON"
    got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert got["State"] == "ActiveNonInvocable"
    assert control.plane.functions == {}

    version = await control.call("PublishVersion", FunctionName="f", PublishTo="LATEST_PUBLISHED")
    assert version["FunctionArn"] == f"{ARN}:$LATEST.PUBLISHED"
    assert (version["Version"], version["State"]) == ("$LATEST.PUBLISHED", "Pending")
    await control.settled()
    assert list(control.plane.functions) == [("f", "$LATEST.PUBLISHED")]
    deployed = control.plane.functions["f", "$LATEST.PUBLISHED"]
    assert deployed.max_environment_concurrency == 16  # for each vCPU, of 2 GB
    assert control.plane.aliases == {("f", "$LATEST"): {"$LATEST.PUBLISHED": 1.0}}


async def test_the_latest_published_version_can_be_published_again(control: Control) -> None:
    await control.create(CapacityProviderConfig=PROVIDER, PublishTo="LATEST_PUBLISHED")
    await update(control, Timeout=9)
    which = {"FunctionName": "f", "Qualifier": "$LATEST.PUBLISHED"}
    assert (await control.call("GetFunctionConfiguration", **which))["Timeout"] == 3

    again = {"FunctionName": "f", "PublishTo": "LATEST_PUBLISHED"}
    updated = await control.call("PublishVersion", **again)
    assert (updated["State"], updated["LastUpdateStatus"]) == ("Active", "InProgress")
    code, _ = await control.refused("PublishVersion", **again)
    assert code == "ResourceConflictException"
    await control.settled()
    assert control.plane.functions["f", "$LATEST.PUBLISHED"].timeout == 9
    await control.call("PublishVersion", FunctionName="f")
    listed = await control.call("ListVersionsByFunction", FunctionName="f")
    versions = [each["Version"] for each in listed["Versions"]]
    assert versions == ["$LATEST", "$LATEST.PUBLISHED", "1"]


async def test_other_functions_have_no_latest_published_version(control: Control) -> None:
    await control.create()
    code, _ = await control.refused(
        "PublishVersion", FunctionName="f", PublishTo="LATEST_PUBLISHED"
    )
    assert code == "InvalidParameterValueException"


async def test_publishing_again_while_the_first_time_is_in_progress_gives_the_same(
    control: Control,
) -> None:
    await control.create(
        SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="java21", Code=BOOTSTRAP
    )
    first = await control.call("PublishVersion", FunctionName="f")
    again = await control.call("PublishVersion", FunctionName="f")
    assert (again["Version"], again["State"]) == (first["Version"], "Pending")


BOOTSTRAP = {"ZipFile": archive({"bootstrap": "#!/bin/sh"})}
