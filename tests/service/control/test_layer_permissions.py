"""Expected members and texts are recorded from AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.service.control.plane import Control, archive

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:l"
VERSION = {"LayerName": "l", "VersionNumber": 1}
STATEMENT = {"StatementId": "s1", "Action": "lambda:GetLayerVersion", "Principal": "*"}


@pytest.fixture
async def layer(control: Control) -> Control:
    content = {"ZipFile": archive()}
    await control.call("PublishLayerVersion", LayerName="l", Content=content)
    return control


async def test_a_statement_is_in_the_policy_until_it_is_removed(layer: Control) -> None:
    added = await layer.call("AddLayerVersionPermission", **VERSION, **STATEMENT)
    statement = {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:GetLayerVersion",
        "Resource": f"{LAYER}:1",
    }
    assert json.loads(added["Statement"]) == statement
    policy = await layer.call("GetLayerVersionPolicy", **VERSION)
    assert json.loads(policy["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement],
    }
    assert policy["RevisionId"] == added["RevisionId"]

    await layer.call("RemoveLayerVersionPermission", **VERSION, StatementId="s1")
    assert await layer.refused("GetLayerVersionPolicy", **VERSION) == (
        "ResourceNotFoundException",
        "No policy is associated with the given resource.",
    )


async def test_an_account_becomes_its_root_and_an_organization_a_condition(
    layer: Control,
) -> None:
    who = {"Principal": "111122223333"}
    added = await layer.call("AddLayerVersionPermission", **VERSION, **STATEMENT | who)
    assert json.loads(added["Statement"])["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}

    given = STATEMENT | {"StatementId": "s2", "OrganizationId": "o-1234567890"}
    added = await layer.call("AddLayerVersionPermission", **VERSION, **given)
    assert json.loads(added["Statement"])["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}
    }


@pytest.mark.parametrize(
    ("operation", "parameters", "error"),
    [
        (
            "AddLayerVersionPermission",
            {**VERSION, **STATEMENT},
            (
                "ResourceConflictException",
                "The statement id (s1) provided already exists. Please provide a new statement id,"
                " or remove the existing statement.",
            ),
        ),
        (
            "AddLayerVersionPermission",
            {**VERSION, **STATEMENT, "StatementId": "s2", "RevisionId": "old"},
            (
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the"
                " GetLayerPolicy API to retrieve the latest Revision Id",
            ),
        ),
        (
            "RemoveLayerVersionPermission",
            {**VERSION, "StatementId": "s9"},
            (
                "ResourceNotFoundException",
                "Statement s9 is not found in resource policy.",
            ),
        ),
        (
            "AddLayerVersionPermission",
            {"LayerName": "l", "VersionNumber": 9, **STATEMENT},
            ("ResourceNotFoundException", f"Layer version {LAYER}:9 does not exist."),
        ),
        (
            "GetLayerVersionPolicy",
            {"LayerName": "nope", "VersionNumber": 1},
            (
                "ResourceNotFoundException",
                "Layer version arn:aws:lambda:us-east-1:123456789012:layer:nope:1 does not exist.",
            ),
        ),
    ],
)
async def test_what_is_refused(
    layer: Control, operation: str, parameters: dict[str, Any], error: tuple[str, str]
) -> None:
    await layer.call("AddLayerVersionPermission", **VERSION, **STATEMENT)
    assert await layer.refused(operation, **parameters) == error
