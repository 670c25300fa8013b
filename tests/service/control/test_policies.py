"""Expected are answers that AWS gave: those that LocalStack's tests recorded (tests/aws/services/
lambda_ of its repository), unless noted. Refusals that are not among those are as users report
them or as LocalStack's service words them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control

S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
BUCKET = "arn:aws:s3:::bucket"


async def test_a_permission_is_a_statement_of_the_functions_policy(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    added = await call(lambda_.add_permission, FunctionName="f", SourceArn=BUCKET, **S3)
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        "Condition": {"ArnLike": {"AWS:SourceArn": BUCKET}},
    }
    assert added["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert json.loads(added["Statement"]) == statement

    got = await call(lambda_.get_policy, FunctionName="f")
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}
    assert json.loads(got["Policy"]) == policy

    removed = await call(lambda_.remove_permission, FunctionName="f", StatementId="s3")
    assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
    gone = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert await refusal(lambda_.get_policy, FunctionName="f") == gone


# https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html and
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
@pytest.mark.parametrize(
    ("parameters", "principal", "condition"),
    [
        ({"Principal": "*"}, "*", None),
        ({"Principal": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, None),
        (
            {"Principal": "arn:aws:iam::111111111111:user/u"},
            {"AWS": "arn:aws:iam::111111111111:user/u"},
            None,
        ),
        (
            {"SourceArn": BUCKET, "SourceAccount": "111111111111"},
            {"Service": "s3.amazonaws.com"},
            {
                "StringEquals": {"AWS:SourceAccount": "111111111111"},
                "ArnLike": {"AWS:SourceArn": BUCKET},
            },
        ),
        (
            {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.x"},
            {"Service": "alexa-appkit.amazon.com"},
            {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask.skill.x"}},
        ),
        (
            {"Principal": "*", "PrincipalOrgID": "o-1234567890"},
            "*",
            {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}},
        ),
        (
            {
                "Principal": "*",
                "Action": "lambda:InvokeFunctionUrl",
                "FunctionUrlAuthType": "NONE",
            },
            "*",
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
        ),
        (
            {"Principal": "*", "InvokedViaFunctionUrl": True},
            "*",
            {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        ),
    ],
)
async def test_each_parameter_has_its_place_in_the_statement(
    lambda_: Any, control: Control, parameters: Any, principal: Any, condition: Any
) -> None:
    await control.create()
    added = await call(lambda_.add_permission, FunctionName="f", **(S3 | parameters))
    statement = json.loads(added["Statement"])
    assert (statement["Principal"], statement.get("Condition")) == (principal, condition)


async def test_versions_and_aliases_have_policies_of_their_own_that_go_with_them(
    lambda_: Any, control: Control
) -> None:
    await control.create(Publish=True)
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        which = {"FunctionName": "f", "Qualifier": qualifier}
        added = await call(lambda_.add_permission, **which, **S3)
        assert json.loads(added["Statement"])["Resource"] == f"{ARN}:{qualifier}"
        assert "s3" in (await call(lambda_.get_policy, **which))["Policy"]

    gone = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert await refusal(lambda_.get_policy, FunctionName="f") == gone
    await control.call("DeleteAlias", FunctionName="f", Name="live")
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert await refusal(lambda_.get_policy, FunctionName="f:live") == gone


async def test_a_policys_revision_is_that_of_what_it_belongs_to(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    before = (await control.call("GetFunction", FunctionName="f"))["Configuration"]["RevisionId"]
    outdated = (
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the"
        " GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    wrong = {"FunctionName": "f", "RevisionId": "wrong"}
    assert await refusal(lambda_.add_permission, **wrong, **S3) == outdated
    await call(lambda_.add_permission, FunctionName="f", RevisionId=before, **S3)

    after = (await control.call("GetFunction", FunctionName="f"))["Configuration"]["RevisionId"]
    assert after != before
    assert (await call(lambda_.get_policy, FunctionName="f"))["RevisionId"] == after
    sid = {"FunctionName": "f", "StatementId": "s3"}
    assert await refusal(lambda_.remove_permission, **sid, RevisionId=before) == outdated
    await call(lambda_.remove_permission, **sid, RevisionId=after)


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        (
            "add_permission",
            {"FunctionName": "g", **S3},
            (404, "ResourceNotFoundException", f"Function not found: {ARN[:-1]}g"),
        ),
        (
            "add_permission",
            {"Qualifier": "42", **S3},
            (404, "ResourceNotFoundException", f"Function not found: {ARN}:42"),
        ),
        (
            "add_permission",
            {"Qualifier": "absent", **S3},
            (404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:absent"),
        ),
        (
            "add_permission",
            {"Qualifier": "$LATEST", **S3},
            (
                400,
                "InvalidParameterValueException",
                "We currently do not support adding policies for $LATEST.",
            ),
        ),
        (
            "add_permission",
            {**S3, "Principal": "nobody"},
            (
                400,
                "InvalidParameterValueException",
                "The provided principal was invalid. Please check the principal and try again.",
            ),
        ),
        (
            "add_permission",
            {**S3, "FunctionUrlAuthType": "NONE"},
            (
                400,
                "InvalidParameterValueException",
                "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
            ),
        ),
        (
            "add_permission",
            {**S3, "StatementId": "there"},
            (
                409,
                "ResourceConflictException",
                "The statement id (there) provided already exists. Please provide a new statement"
                " id, or remove the existing statement.",
            ),
        ),
        (
            "remove_permission",
            {"FunctionName": "g", "StatementId": "s"},
            (404, "ResourceNotFoundException", f"No policy found for: {ARN[:-1]}g"),
        ),
        (
            "remove_permission",
            {"FunctionName": "f:1", "StatementId": "s"},
            (
                404,
                "ResourceNotFoundException",
                "No policy is associated with the given resource.",
            ),
        ),
        (
            "remove_permission",
            {"StatementId": "absent"},
            (
                404,
                "ResourceNotFoundException",
                "Statement absent is not found in resource policy.",
            ),
        ),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(
    lambda_: Any, control: Control, method: str, parameters: Any, expected: Any
) -> None:
    await control.create(Publish=True)
    await control.call("AddPermission", FunctionName="f", **{**S3, "StatementId": "there"})
    given = {"FunctionName": "f", **parameters}
    assert await refusal(getattr(lambda_, method), **given) == expected


async def test_a_policy_has_at_most_20_kilobytes(lambda_: Any, control: Control) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    await control.create()
    source = BUCKET + "x" * 9000
    for sid in ("a", "b"):
        given = {**S3, "StatementId": sid, "SourceArn": source}
        await call(lambda_.add_permission, FunctionName="f", **given)
    given = {**S3, "StatementId": "c", "SourceArn": source}
    status, code, message = await refusal(lambda_.add_permission, FunctionName="f", **given)
    assert (status, code) == (400, "PolicyLengthExceededException")
    assert message.startswith("The final policy size (")
    assert message.endswith(") is bigger than the limit (20480).")
    got = await call(lambda_.get_policy, FunctionName="f")
    assert [each["Sid"] for each in json.loads(got["Policy"])["Statement"]] == ["a", "b"]


# PutResourcePolicy and its like: the model's documentation.


def policy(**statement: Any) -> str:
    whole = {
        "Sid": "own",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        **statement,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [whole]})


async def test_a_resource_policy_takes_the_place_of_all_permissions(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    await call(lambda_.add_permission, FunctionName="f", **S3)
    put = await call(lambda_.put_resource_policy, ResourceArn=ARN, Policy=policy())
    assert json.loads(put["Policy"]) == json.loads(policy())
    got = await call(lambda_.get_resource_policy, ResourceArn=ARN)
    assert (got["Policy"], got["RevisionId"]) == (put["Policy"], put["RevisionId"])
    assert "s3" not in (await call(lambda_.get_policy, FunctionName="f"))["Policy"]

    wrong = {"ResourceArn": ARN, "RevisionId": "00000000-0000-4000-8000-000000000000"}
    assert (await refusal(lambda_.delete_resource_policy, **wrong))[0] == 412
    deleted = await call(
        lambda_.delete_resource_policy, ResourceArn=ARN, RevisionId=put["RevisionId"]
    )
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert (await refusal(lambda_.get_resource_policy, ResourceArn=ARN))[0] == 404
    assert (await refusal(lambda_.delete_resource_policy, ResourceArn=ARN))[0] == 404


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not JSON", "InvalidParameterValueException"),
        ("[]", "InvalidParameterValueException"),
        ('{"Statement": []}', "InvalidParameterValueException"),
        ('{"Statement": [{"Effect": "Allow"}]}', "InvalidParameterValueException"),
        (policy(Resource="*"), "InvalidParameterValueException"),
        (policy(Principal="*"), "PublicPolicyException"),
        (policy(Principal={"AWS": ["111111111111", "*"]}), "PublicPolicyException"),
    ],
)
async def test_a_resource_policy_that_makes_no_sense_or_is_for_everyone_is_refused(
    lambda_: Any, control: Control, text: str, code: str
) -> None:
    await control.create()
    refused = await refusal(lambda_.put_resource_policy, ResourceArn=ARN, Policy=text)
    assert refused[:2] == (400, code)


async def test_a_condition_makes_a_policy_for_everyone_acceptable(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    condition = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    for given in ({"Condition": condition}, {"Effect": "Deny"}):
        text = policy(Principal="*", **given)
        await call(lambda_.put_resource_policy, ResourceArn=ARN, Policy=text)


async def test_runtimes_have_no_policies_here(lambda_: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:runtime/x"
    assert (await refusal(lambda_.get_resource_policy, ResourceArn=arn))[0] == 404
    assert (await refusal(lambda_.put_resource_policy, ResourceArn=arn, Policy="{}"))[0] == 404
