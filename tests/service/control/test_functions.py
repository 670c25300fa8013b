"""Expected members and texts are recorded from AWS, where a comment does not say otherwise."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import Any

import pytest

from tests.service.control.plane import ARN, ROLE, RUNTIME, Control, archive, function
from warmstart.service.api.operations import Members

DIGEST = base64.b64encode(hashlib.sha256(archive()).digest()).decode()

CREATED = {
    "Architectures": ["x86_64"],
    "CodeSha256": DIGEST,
    "CodeSize": len(archive()),
    "Description": "",
    "EphemeralStorage": {"Size": 512},
    "FunctionArn": ARN,
    "FunctionName": "f",
    "Handler": "app.handler",
    "LastModified": "2026-11-24T12:00:00.250+0000",
    "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
    "MemorySize": 128,
    "PackageType": "Zip",
    "Role": ROLE,
    "Runtime": RUNTIME,
    "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "Version": "$LATEST",
}
PENDING = {
    "State": "Pending",
    "StateReason": "The function is being created.",
    "StateReasonCode": "Creating",
}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}
UPDATING = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RUNTIME_VERSION = re.compile(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}")


def stable(configuration: Members) -> Members:
    """A configuration without what is random."""
    rest = dict(configuration)
    assert UUID.fullmatch(rest.pop("RevisionId"))
    runtime = rest.pop("RuntimeVersionConfig", None)
    assert runtime is None or RUNTIME_VERSION.fullmatch(runtime["RuntimeVersionArn"])
    return rest


async def test_a_new_function_is_pending_with_aws_defaults_and_then_active(
    control: Control,
) -> None:
    created = await control.call("CreateFunction", **function())
    assert stable(created) == CREATED | PENDING
    assert await control.call("GetFunctionConfiguration", FunctionName="f") == created
    assert not control.plane.functions

    await control.settled()
    active = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert stable(active) == CREATED | ACTIVE
    assert active["RevisionId"] != created["RevisionId"]


async def test_the_data_plane_gets_the_function_with_its_code_and_settings(
    control: Control,
) -> None:
    await control.create(
        Timeout=7,
        MemorySize=512,
        Environment={"Variables": {"A": "1"}},
        Architectures=["arm64"],
        EphemeralStorage={"Size": 1024},
        TenancyConfig={"TenantIsolationMode": "PER_TENANT"},
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "mine"},
    )

    deployed = control.plane.functions["f", "$LATEST"]
    with open(f"{deployed.task_root}/app.py") as code:  # noqa: ASYNC230 — nothing else runs now
        assert code.read() == "def handler(event, context): return event"
    assert (deployed.runtime, deployed.handler) == (RUNTIME, "app.handler")
    assert (deployed.timeout, deployed.memory_size, deployed.environment) == (7, 512, {"A": "1"})
    assert (deployed.architecture, deployed.ephemeral_storage) == ("arm64", 1024)
    assert deployed.tenant_isolation_mode == "PER_TENANT"
    assert deployed.max_environment_concurrency == 1
    assert (deployed.log_format, deployed.log_group) == ("JSON", "mine")
    assert (deployed.application_log_level, deployed.system_log_level) == ("DEBUG", "INFO")


async def test_what_was_given_is_shown(control: Control) -> None:
    given: Members = {
        "Description": "mine",
        "Environment": {"Variables": {}},
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"},
        "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
        "TracingConfig": {"Mode": "Active"},
    }
    created = await control.create(**given, VpcConfig={})

    assert {member: created[member] for member in given} == given
    assert created["VpcConfig"] == {
        "SubnetIds": [],
        "SecurityGroupIds": [],
        "VpcId": "",
        "Ipv6AllowedForDualStack": False,
    }


async def test_get_function_shows_code_tags_and_reserved_concurrency(control: Control) -> None:
    await control.create(Tags={"team": "a"})
    got = await control.call("GetFunction", FunctionName="f")
    assert stable(got["Configuration"]) == CREATED | ACTIVE
    assert got["Code"]["RepositoryType"] == "S3"
    assert got["Tags"] == {"team": "a"}
    assert "Concurrency" not in got

    await control.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=5)
    got = await control.call("GetFunction", FunctionName=ARN, Qualifier="$LATEST")
    assert got["Concurrency"] == {"ReservedConcurrentExecutions": 5}
    assert got["Configuration"]["FunctionArn"] == f"{ARN}:$LATEST"


async def test_the_code_can_be_had_from_the_location(control: Control) -> None:
    await control.create()
    got = await control.call("GetFunction", FunctionName="f")

    prefix = "http://127.0.0.1:9000/2015-03-31/archives/"
    assert got["Code"]["Location"].startswith(prefix)
    file = control.control.archive(got["Code"]["Location"].removeprefix(prefix))
    assert file is not None
    assert file.read_bytes() == archive()


async def test_an_image_is_kept_without_runtime_and_handler(control: Control) -> None:
    uri = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/app@sha256:{'a' * 64}"
    created = await control.call(
        "CreateFunction",
        FunctionName="f",
        Role=ROLE,
        PackageType="Image",
        Code={"ImageUri": uri},
        ImageConfig={"Command": ["app.handler"]},
    )
    await control.settled()

    assert not {"Runtime", "Handler", "RuntimeVersionConfig"} & set(created)
    assert (created["CodeSize"], created["CodeSha256"]) == (0, "a" * 64)
    assert created["ImageConfigResponse"] == {"ImageConfig": {"Command": ["app.handler"]}}
    got = await control.call("GetFunction", FunctionName="f")
    assert got["Configuration"]["State"] == "Active"
    assert got["Code"] == {"RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": uri}


async def test_new_code_is_in_progress_while_the_old_one_still_runs(control: Control) -> None:
    await control.create()
    before = control.plane.functions["f", "$LATEST"]
    code = archive({"app.py": "changed"})
    updated = await control.call(
        "UpdateFunctionCode", FunctionName="f", ZipFile=code, Architectures=["arm64"]
    )

    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    changed = {"CodeSha256": digest, "CodeSize": len(code), "Architectures": ["arm64"]}
    assert stable(updated) == CREATED | UPDATING | changed
    assert control.plane.functions["f", "$LATEST"] == before

    await control.settled()
    assert control.plane.functions["f", "$LATEST"].task_root != before.task_root
    got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert stable(got) == CREATED | ACTIVE | changed


async def test_a_configuration_update_changes_what_it_names_and_clears_what_is_empty(
    control: Control,
) -> None:
    await control.create(
        Description="first",
        Environment={"Variables": {"A": "1"}},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"},
        KMSKeyArn="arn:aws:kms:us-east-1:123456789012:key/k",
    )
    updated = await control.call(
        "UpdateFunctionConfiguration",
        FunctionName="f",
        Timeout=9,
        Environment={"Variables": {}},
        DeadLetterConfig={"TargetArn": ""},
        KMSKeyArn="",
    )

    assert stable(updated) == CREATED | UPDATING | {
        "Description": "first",
        "Environment": {"Variables": {}},
        "Timeout": 9,
    }
    await control.settled()
    assert control.plane.functions["f", "$LATEST"].timeout == 9


async def test_a_dry_run_changes_nothing(control: Control) -> None:
    await control.create()
    before = await control.call("GetFunctionConfiguration", FunctionName="f")
    shown = await control.call(
        "UpdateFunctionCode", FunctionName="f", ZipFile=archive({"app.py": "x"}), DryRun=True
    )

    assert shown["CodeSha256"] != DIGEST
    assert await control.call("GetFunctionConfiguration", FunctionName="f") == before


async def test_nothing_is_changed_while_something_is_in_progress(control: Control) -> None:
    await control.call("CreateFunction", **function())
    pending = (
        "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the"
        " following state: Pending",
    )
    change: Members = {"FunctionName": "f", "Timeout": 4}
    assert await control.refused("UpdateFunctionConfiguration", **change) == pending
    assert await control.refused("PublishVersion", FunctionName="f") == pending

    await control.settled()
    await control.call("UpdateFunctionConfiguration", **change)
    in_progress = (
        "ResourceConflictException",
        "The operation cannot be performed at this time. An update is in progress for resource:"
        f" {ARN}",
    )
    assert await control.refused("UpdateFunctionConfiguration", **change) == in_progress
    code = {"FunctionName": "f", "ZipFile": archive()}
    assert await control.refused("UpdateFunctionCode", **code) == in_progress


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("UpdateFunctionCode", {"ZipFile": archive()}),
        ("UpdateFunctionConfiguration", {"Timeout": 4}),
        ("PublishVersion", {}),
    ],
)
async def test_a_change_of_another_revision_is_refused(
    control: Control, operation: str, parameters: Members
) -> None:
    await control.create()
    refused = await control.refused(operation, FunctionName="f", RevisionId="old", **parameters)
    assert refused == (
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the"
        " GetFunction/GetAlias API to retrieve the latest Revision Id",
    )

    latest = await control.call("GetFunctionConfiguration", FunctionName="f")
    await control.call(operation, FunctionName="f", RevisionId=latest["RevisionId"], **parameters)


async def test_only_latest_is_changed(control: Control) -> None:
    await control.create(Publish=True)
    for operation, parameters in (
        ("UpdateFunctionConfiguration", {"Timeout": 4}),
        ("UpdateFunctionCode", {"ZipFile": archive()}),
        ("PublishVersion", {}),
    ):
        code, message = await control.refused(operation, FunctionName="f:1", **parameters)
        assert code == "InvalidParameterValueException"
        assert message.startswith("This operation is permitted on Lambda functions only.")


async def test_a_function_is_created_once(control: Control) -> None:
    await control.create()
    assert await control.refused("CreateFunction", **function()) == (
        "ResourceConflictException",
        "Function already exist: f",
    )


async def test_a_deleted_function_is_gone_with_all_it_had(control: Control) -> None:
    await control.create(Publish=True, Tags={"a": "b"})
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert await control.call("DeleteFunction", FunctionName="f") == {"StatusCode": 204}

    assert control.plane.functions == {}
    not_found = ("ResourceNotFoundException", f"Function not found: {ARN}")
    assert await control.refused("GetFunction", FunctionName="f") == not_found
    assert await control.refused("DeleteFunction", FunctionName="f") == not_found
    qualified = ("ResourceNotFoundException", f"Function not found: {ARN}:live")
    assert await control.refused("GetFunction", FunctionName="f:live") == qualified

    await control.create()
    assert (await control.call("ListAliases", FunctionName="f"))["Aliases"] == []
    assert "Tags" not in await control.call("GetFunction", FunctionName="f")


async def test_a_function_can_be_deleted_while_it_is_created(control: Control) -> None:
    await control.call("CreateFunction", **function(Timeout=4))
    await asyncio.sleep(0)  # the deployment is under way
    await control.call("DeleteFunction", FunctionName="f")
    await control.create()
    assert list(control.plane.functions) == [("f", "$LATEST")]
    assert control.plane.functions["f", "$LATEST"].timeout == 3


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        (
            {"Qualifier": "$LATEST"},
            (
                "InvalidParameterValueException",
                "$LATEST version cannot be deleted without deleting the function.",
            ),
        ),
        (
            {"Qualifier": "live"},
            (
                "InvalidParameterValueException",
                "Deletion of aliases is not currently supported.",
            ),
        ),
        (
            {"FunctionName": "nope", "Qualifier": "1221"},
            (
                "ResourceNotFoundException",
                "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope",
            ),
        ),
    ],
)
async def test_what_cannot_be_deleted(
    control: Control, parameters: Members, error: tuple[str, str]
) -> None:
    await control.create()
    assert await control.refused("DeleteFunction", **{"FunctionName": "f"} | parameters) == error


async def test_functions_are_listed_without_their_states(control: Control) -> None:
    for name in ("b", "a"):
        await control.create(name, Publish=name == "b")
    listed = await control.call("ListFunctions", MaxItems=1)
    (function,) = listed["Functions"]
    assert function["FunctionName"] == "a"
    assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & set(function)
    rest = await control.call("ListFunctions", Marker=listed["NextMarker"])
    assert [each["FunctionName"] for each in rest["Functions"]] == ["b"]

    listed = await control.call("ListFunctions", FunctionVersion="ALL")
    assert [each["FunctionArn"].split("function:")[1] for each in listed["Functions"]] == [
        "a:$LATEST",
        "b:$LATEST",
        "b:1",
    ]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"FunctionName": "f" * 65},
            f"1 validation error detected: Value '{'f' * 65}' at 'functionName' failed to satisfy"
            " constraint: Member must have length less than or equal to 64",
        ),
        (
            {"Handler": None},
            "Runtime and Handler are mandatory parameters for functions created with deployment"
            " packages.",
        ),
        ({"Code": {}}, "Please provide a source for function code."),
        (
            {"Code": {"ImageUri": "app:1"}},
            "Please don't provide ImageUri when creating a function with packageType Zip.",
        ),
        (
            {"Code": {"ZipFile": b"no zip"}},
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ),
        (
            {"Tags": {f"k{number}": "" for number in range(51)}},
            "Number of tags exceeds resource tag limit.",
        ),
        (
            {"Layers": [f"arn:aws:lambda:us-east-1:123456789012:layer:l{n}:1" for n in range(6)]},
            "Cannot reference more than 5 layers.",
        ),
    ],
)
async def test_what_cannot_be_created(
    control: Control, parameters: dict[str, Any], message: str
) -> None:
    given = {name: value for name, value in (function() | parameters).items() if value is not None}
    refused = await control.refused("CreateFunction", **given)
    assert refused == ("InvalidParameterValueException", message)
    assert (await control.call("ListFunctions"))["Functions"] == []


async def test_an_archive_above_aws_limit_must_come_by_s3(control: Control) -> None:
    huge = bytes(50 * 1024 * 1024 + 1)
    assert await control.refused("CreateFunction", **function(Code={"ZipFile": huge})) == (
        "RequestEntityTooLargeException",
        "Zipped size must be smaller than 52428800 bytes",
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            {"ImageUri": "app:1"},
            "Please don't provide ImageUri when updating a function with packageType Zip.",
        ),
        ({}, "Please provide a source for function code."),
    ],
)
async def test_a_package_type_stays(control: Control, code: Members, message: str) -> None:
    await control.create()
    refused = await control.refused("UpdateFunctionCode", FunctionName="f", **code)
    assert refused == ("InvalidParameterValueException", message)


async def test_a_runtime_that_is_not_here_fails_and_says_what_to_do(control: Control) -> None:
    await control.create(Runtime="dotnet8", Handler="a::b::c")
    got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert (got["State"], got["StateReasonCode"]) == ("Failed", "InvalidRuntime")
    assert got["StateReason"] == (
        "dotnet8 is not on this machine: put a runtime client into the function's package or one"
        " of its layers, as an executable named bootstrap"
    )

    await control.call("UpdateFunctionConfiguration", FunctionName="f", Runtime=RUNTIME)
    await control.settled()
    got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert (got["State"], got["LastUpdateStatus"]) == ("Active", "Successful")
    assert ("f", "$LATEST") in control.plane.functions


async def test_an_update_that_fails_leaves_the_function_running(control: Control) -> None:
    await control.create()
    await control.call("UpdateFunctionConfiguration", FunctionName="f", Runtime="dotnet8")
    await control.settled()

    got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert (got["State"], got["LastUpdateStatus"]) == ("Active", "Failed")
    assert got["LastUpdateStatusReasonCode"] == "InvalidRuntime"
    assert control.plane.functions["f", "$LATEST"].runtime == RUNTIME
