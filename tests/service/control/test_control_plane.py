"""The control plane as boto3 sees it, over a real connection."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service.api.serving import call
from tests.service.control.plane import ARN, Control, archive, function


async def wait(lambda_: Any, name: str, **parameters: Any) -> None:
    # The waiters' own pace is a second; the function is settled long before.
    waiter = lambda_.get_waiter(name)
    await call(waiter.wait, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **parameters)


async def test_the_waiters_of_boto3_see_functions_and_versions_become_ready(lambda_: Any) -> None:
    created = await call(lambda_.create_function, **function())
    assert (created["State"], created["ResponseMetadata"]["HTTPStatusCode"]) == ("Pending", 201)
    await wait(lambda_, "function_active_v2", FunctionName="f")
    await wait(lambda_, "function_exists", FunctionName="f")

    code = archive({"app.py": "new"})
    updated = await call(lambda_.update_function_code, FunctionName="f", ZipFile=code)
    assert updated["LastUpdateStatus"] == "InProgress"
    await wait(lambda_, "function_updated_v2", FunctionName="f")

    version = await call(lambda_.publish_version, FunctionName="f")
    assert version["ResponseMetadata"]["HTTPStatusCode"] == 201
    await wait(lambda_, "published_version_active", FunctionName="f", Qualifier="1")


async def test_what_boto3_sent_is_what_it_reads_back(lambda_: Any) -> None:
    given: dict[str, Any] = {
        "Description": "ünï",
        "Timeout": 4,
        "Environment": {"Variables": {"NAME": "ß"}},
        "Tags": {"a b": "c/d"},
        "TracingConfig": {"Mode": "Active"},
    }
    await call(lambda_.create_function, **function(**given))
    got = await call(lambda_.get_function, FunctionName=ARN)
    for member in ("Description", "Timeout", "Environment", "TracingConfig"):
        assert got["Configuration"][member] == given[member]
    assert got["Tags"] == given["Tags"]


async def test_an_alias_with_weights_and_all_concurrency_pass_through(
    lambda_: Any, control: Control
) -> None:
    await call(lambda_.create_function, **function(Publish=True))
    await control.settled()
    await call(lambda_.update_function_configuration, FunctionName="f", Description="x")
    await control.settled()
    await call(lambda_.publish_version, FunctionName="f")
    routing = {"AdditionalVersionWeights": {"2": 0.3}}
    await call(
        lambda_.create_alias,
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig=routing,
    )
    got = await call(lambda_.get_alias, FunctionName="f", Name="live")
    assert got["RoutingConfig"] == routing

    await call(lambda_.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=5)
    got = await call(lambda_.get_function_concurrency, FunctionName="f")
    assert got["ReservedConcurrentExecutions"] == 5
    which = {"FunctionName": "f", "Qualifier": "1"}
    put = await call(
        lambda_.put_provisioned_concurrency_config, **which, ProvisionedConcurrentExecutions=2
    )
    assert (put["Status"], put["ResponseMetadata"]["HTTPStatusCode"]) == ("IN_PROGRESS", 202)
    got = await call(lambda_.get_provisioned_concurrency_config, **which)
    assert got["Status"] == "READY"
    for method, parameters in (
        (lambda_.delete_provisioned_concurrency_config, which),
        (lambda_.delete_function_concurrency, {"FunctionName": "f"}),
        (lambda_.delete_alias, {"FunctionName": "f", "Name": "live"}),
        (lambda_.delete_function, which),
        (lambda_.delete_function, {"FunctionName": "f"}),
    ):
        deleted = await call(method, **parameters)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204


async def test_paginators_give_everything_once(lambda_: Any, control: Control) -> None:
    names = [f"f{number:02}" for number in range(7)]
    for name in names:
        await control.create(name)

    def listed() -> list[str]:
        pages = lambda_.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3})
        return [each["FunctionName"] for page in pages for each in page["Functions"]]

    assert await call(listed) == names


async def test_layers_and_their_permissions_pass_through(lambda_: Any) -> None:
    published = await call(
        lambda_.publish_layer_version,
        LayerName="l",
        Content={"ZipFile": archive()},
        CompatibleRuntimes=["python3.12"],
    )
    got = await call(lambda_.get_layer_version_by_arn, Arn=published["LayerVersionArn"])
    assert (got["Version"], got["CompatibleRuntimes"]) == (1, ["python3.12"])
    which = {"LayerName": "l", "VersionNumber": 1}
    await call(
        lambda_.add_layer_version_permission,
        **which,
        StatementId="s",
        Action="lambda:GetLayerVersion",
        Principal="*",
    )
    policy = await call(lambda_.get_layer_version_policy, **which)
    await call(
        lambda_.remove_layer_version_permission,
        **which,
        StatementId="s",
        RevisionId=policy["RevisionId"],
    )
    await call(lambda_.delete_layer_version, **which)
    listed = await call(lambda_.list_layers)
    assert listed["Layers"] == []


# Recorded from AWS, with the spelling of each error's message member.
@pytest.mark.parametrize(
    ("method", "parameters", "status", "error"),
    [
        (
            "get_function",
            {"FunctionName": "nope"},
            404,
            {"Message": f"Function not found: {ARN[:-1]}nope", "Type": "User"},
        ),
        (
            "create_function",
            function(),
            409,
            {"message": "Function already exist: f", "Type": "User"},
        ),
        (
            "publish_version",
            {"FunctionName": "f", "RevisionId": "old"},
            412,
            {
                "message": "The Revision Id provided does not match the latest Revision Id. Call"
                " the GetFunction/GetAlias API to retrieve the latest Revision Id",
                "Type": "User",
            },
        ),
        (
            "get_provisioned_concurrency_config",
            {"FunctionName": "f", "Qualifier": "1"},
            404,
            {
                "message": "No Provisioned Concurrency Config found for this function",
                "Type": "User",
            },
        ),
        (
            "get_function",
            {"FunctionName": "arn:aws:lambda:us-west-2:123456789012:function:f"},
            404,
            {
                "Message": "Functions from 'us-west-2' are not reachable in this region"
                " ('us-east-1')",
                "Type": "User",
            },
        ),
    ],
)
async def test_errors_have_the_shape_of_aws_own(
    lambda_: Any,
    control: Control,
    method: str,
    parameters: dict[str, Any],
    status: int,
    error: dict[str, str],
) -> None:
    await control.create(Publish=True)
    with pytest.raises(ClientError) as caught:
        await call(getattr(lambda_, method), **parameters)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert {name: response.get(name) for name in error} == error
