"""Expected are answers that AWS gave: those that LocalStack's tests recorded, unless noted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control


async def test_tags_are_added_changed_and_removed(lambda_: Any, control: Control) -> None:
    await control.create()

    async def tags() -> Any:
        return (await call(lambda_.list_tags, Resource=ARN))["Tags"]

    assert await tags() == {}
    tagged = await call(lambda_.tag_resource, Resource=ARN, Tags={"A": "tag-a"})
    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204
    await call(lambda_.tag_resource, Resource=ARN, Tags={"B": "tag-b", "C": "tag-c"})
    await call(lambda_.tag_resource, Resource=ARN, Tags={"C": "new", "D": "tag-d"})
    assert await tags() == {"A": "tag-a", "B": "tag-b", "C": "new", "D": "tag-d"}
    assert (await call(lambda_.get_function, FunctionName="f"))["Tags"] == await tags()

    await call(lambda_.untag_resource, Resource=ARN, TagKeys=["A", "absent"])
    await call(lambda_.untag_resource, Resource=ARN, TagKeys=["B", "C"])
    assert await tags() == {"D": "tag-d"}
    await control.call("DeleteFunction", FunctionName="f")
    await control.create()
    assert await tags() == {}


@pytest.mark.parametrize(
    ("resource", "tags", "expected"),
    [
        (
            f"{ARN[:-1]}g",
            {"a": "b"},
            (404, "ResourceNotFoundException", f"Function not found: {ARN[:-1]}g"),
        ),
        (
            f"{ARN}:1",
            {"a": "b"},
            (
                400,
                "InvalidParameterValueException",
                "Tags on function aliases and versions are not supported. Please specify a"
                " function ARN.",
            ),
        ),
        (
            ARN,
            {},
            (
                400,
                "InvalidParameterValueException",
                "An error occurred and the request cannot be processed.",
            ),
        ),
        (
            ARN,
            {f"{number}_key": "value" for number in range(51)},
            (
                400,
                "InvalidParameterValueException",
                "Number of tags exceeds resource tag limit.",
            ),
        ),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(
    lambda_: Any, control: Control, resource: str, tags: Any, expected: Any
) -> None:
    await control.create()
    assert await refusal(lambda_.tag_resource, Resource=resource, Tags=tags) == expected


async def test_other_resources_have_tags_that_go_with_them(lambda_: Any, control: Control) -> None:
    # https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html
    await control.create()
    tags = {"a": "b"}
    queue = "arn:aws:sqs:us-east-1:123456789012:q"
    publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:123456789012:/p"]}
    mapping = await control.call(
        "CreateEventSourceMapping", FunctionName="f", EventSourceArn=queue, Tags=tags
    )
    config = await control.call("CreateCodeSigningConfig", AllowedPublishers=publishers, Tags=tags)
    await control.control.event_sources.wait_settled()
    arns = [
        mapping["EventSourceMappingArn"],
        config["CodeSigningConfig"]["CodeSigningConfigArn"],
    ]
    for arn in arns:
        await call(lambda_.tag_resource, Resource=arn, Tags={"c": "d"})
        assert (await call(lambda_.list_tags, Resource=arn))["Tags"] == {"a": "b", "c": "d"}

    await control.call("DeleteEventSourceMapping", UUID=mapping["UUID"])
    await control.call("DeleteCodeSigningConfig", CodeSigningConfigArn=arns[1])
    await control.control.event_sources.wait_settled()
    for arn in arns:
        assert (await refusal(lambda_.list_tags, Resource=arn))[0] == 404
        assert control.control.registry.tags(arn) == {}


async def test_what_is_elsewhere_is_not_here(lambda_: Any, control: Control) -> None:
    await control.create()
    for arn in (ARN.replace("us-east-1", "eu-west-1"), ARN.replace("123456789012", "1" * 12)):
        refused = await refusal(lambda_.list_tags, Resource=arn)
        assert refused[:2] == (404, "ResourceNotFoundException")
