from __future__ import annotations

import pytest

from warmstart.service.api.errors import ApiError
from warmstart.service.control.arns import Arns
from warmstart.service.control.names import (
    FunctionName,
    function_name,
    is_version,
    unqualified_name,
)

ARNS = Arns("us-east-1", "123456789012")


# The forms are those of AWS's page on CreateFunction and Invoke, "FunctionName".
@pytest.mark.parametrize(
    ("name", "qualifier", "expected"),
    [
        ("f", None, FunctionName("f")),
        ("f", "1", FunctionName("f", "1")),
        ("f:live", None, FunctionName("f", "live")),
        ("f:live", "live", FunctionName("f", "live")),
        ("f:$LATEST", None, FunctionName("f", "$LATEST")),
        ("function:f", None, FunctionName("f")),
        ("123456789012:function:f", None, FunctionName("f")),
        ("123456789012:function:f:7", None, FunctionName("f", "7")),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", None, FunctionName("f")),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "7", FunctionName("f", "7")),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:7", None, FunctionName("f", "7")),
    ],
)
def test_a_name_a_partial_arn_and_a_full_one_name_the_same_function(
    name: str, qualifier: str | None, expected: FunctionName
) -> None:
    assert function_name(ARNS, name, qualifier) == expected


def test_without_a_qualifier_the_latest_is_meant() -> None:
    assert FunctionName("f").version_or_alias == "$LATEST"
    assert FunctionName("f", "live").version_or_alias == "live"


@pytest.mark.parametrize(
    ("name", "qualifier", "code", "message"),
    [
        (  # recorded from AWS
            "arn:aws:lambda:us-east-1:123456789012:function:f:1",
            "2",
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        ),
        (  # recorded from AWS
            "arn:aws:lambda:us-west-2:123456789012:function:f",
            None,
            "ResourceNotFoundException",
            "Functions from 'us-west-2' are not reachable in this region ('us-east-1')",
        ),
        (
            "arn:aws:lambda:us-east-1:999999999999:function:f",
            None,
            "AccessDeniedException",
            "The functions of account 999999999999 are not reachable in this one (123456789012)",
        ),
        (
            "arn:aws:s3:::bucket",
            None,
            "InvalidParameterValueException",
            "Invalid function name: arn:aws:s3:::bucket",
        ),
    ],
)
def test_what_cannot_name_a_function_here_is_refused(
    name: str, qualifier: str | None, code: str, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        function_name(ARNS, name, qualifier)

    assert (caught.value.code, caught.value.message) == (code, message)


def test_where_only_a_function_makes_sense_a_qualifier_is_refused() -> None:
    assert unqualified_name(ARNS, "123456789012:function:f") == "f"
    with pytest.raises(ApiError) as caught:
        unqualified_name(ARNS, "f:1")
    assert caught.value.code == "InvalidParameterValueException"
    assert caught.value.message == (  # recorded from AWS
        "This operation is permitted on Lambda functions only. Aliases and versions do not support"
        " this operation. Please specify either a function name or an unqualified function ARN."
    )


def test_a_version_is_a_number_and_an_alias_is_none() -> None:
    assert [is_version(qualifier) for qualifier in ("7", "12", "live", "v1", "$LATEST")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_arns_are_aws_own() -> None:
    assert ARNS.function("f") == "arn:aws:lambda:us-east-1:123456789012:function:f"
    assert ARNS.function("f", "1") == "arn:aws:lambda:us-east-1:123456789012:function:f:1"
    assert ARNS.layer("l", 3) == "arn:aws:lambda:us-east-1:123456789012:layer:l:3"
    assert ARNS.layer("l") == "arn:aws:lambda:us-east-1:123456789012:layer:l"
    assert ARNS.runtime("a1") == "arn:aws:lambda:us-east-1::runtime:a1"
    assert Arns("cn-north-1", "1").partition == "aws-cn"
    assert Arns("us-gov-west-1", "1").partition == "aws-us-gov"
