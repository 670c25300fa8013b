"""What is refused, in AWS's recorded words.

Each text of the first table was seen in an answer of AWS's to a call like it; where
the model has changed since, its pattern, limit or set of today stands in the text.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from warmstart.service.api.errors import ApiError
from warmstart.service.api.model import service_model
from warmstart.service.api.validation import validate

MODEL = service_model("lambda")
FUNCTION = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}}


def refusal(operation: str, **members: Any) -> str:
    with pytest.raises(ApiError) as info:
        validate(MODEL.operation_model(operation).input_shape, members)
    assert info.value.code == "ValidationException"
    return info.value.message


def pattern(shape: str) -> str:
    found: str = MODEL.shape_for(shape).metadata["pattern"]
    return found


def enumerated(shape: str) -> str:
    return f"[{', '.join(MODEL.shape_for(shape).metadata['enum'])}]"


@pytest.mark.parametrize(
    ("operation", "members", "text"),
    [
        (
            "CreateFunction",
            FUNCTION | {"Code": None},
            "Value null at 'code' failed to satisfy constraint: Member must not be null",
        ),
        (
            "CreateFunction",
            FUNCTION | {"Role": "r1"},
            "Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular "
            f"expression pattern: {pattern('RoleArn')}",
        ),
        (
            "CreateFunction",
            FUNCTION | {"MemorySize": 127},
            "Value '127' at 'memorySize' failed to satisfy constraint: "
            "Member must have value greater than or equal to 128",
        ),
        (
            "CreateFunction",
            FUNCTION | {"Architectures": []},
            "Value '[]' at 'architectures' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "CreateFunction",
            FUNCTION | {"Architectures": ["x86_64", "arm64"]},
            "Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
            "Member must have length less than or equal to 1",
        ),
        (
            "CreateFunction",
            FUNCTION | {"Architectures": ["X86_64"]},
            "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must "
            "satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], "
            "Member must not be null]",
        ),
        (
            "CreateFunction",
            FUNCTION | {"Environment": {"Variables": {"_A": "secret"}}},
            "Value at 'environment.variables' failed to satisfy constraint: Map keys must "
            "satisfy constraint: [Member must satisfy regular expression pattern: "
            f"{pattern('EnvironmentVariableName')}, Member must not be null]",
        ),
        (
            "CreateFunction",
            FUNCTION | {"TracingConfig": {"Mode": "On"}},
            "Value 'On' at 'tracingConfig.mode' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {enumerated('TracingMode')}",
        ),
        (
            "CreateFunctionUrlConfig",
            {
                "FunctionName": "f",
                "AuthType": "NONE",
                "Cors": {"AllowMethods": ["GET", "POST", "OPTIONS"]},
            },
            "Value '[GET, POST, OPTIONS]' at 'cors.allowMethods' failed to satisfy constraint: "
            "Member must satisfy constraint: [Member must have length less than or equal to 6, "
            "Member must have length greater than or equal to 0, Member must satisfy regular "
            "expression pattern: .*, Member must not be null]",
        ),
        (
            "CreateAlias",
            {
                "FunctionName": "f",
                "Name": "live",
                "FunctionVersion": "1",
                "RoutingConfig": {"AdditionalVersionWeights": {"live": 0.5}},
            },
            "Value '{live=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
            "constraint: Map keys must satisfy constraint: [Member must have length less than or "
            "equal to 1024, Member must have length greater than or equal to 1, Member must "
            "satisfy regular expression pattern: [0-9]+, Member must not be null]",
        ),
        (
            "CreateAlias",
            {
                "FunctionName": "f",
                "Name": "live",
                "FunctionVersion": "1",
                "RoutingConfig": {"AdditionalVersionWeights": {"2": 2.0}},
            },
            "Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy "
            "constraint: Map value must satisfy constraint: [Member must have value less than or "
            "equal to 1.0, Member must have value greater than or equal to 0.0, "
            "Member must not be null]",
        ),
    ],
)
def test_one_fault_is_told_in_awss_words(operation: str, members: Any, text: str) -> None:
    assert refusal(operation, **members) == f"1 validation error detected: {text}"


def test_an_unknown_runtime_is_told_by_itself() -> None:
    shape = MODEL.operation_model("CreateFunction").input_shape

    with pytest.raises(ApiError) as info:
        validate(shape, FUNCTION | {"Runtime": "PYTHON3.9"})

    assert info.value.code == "InvalidParameterValueException"
    assert info.value.message == (
        "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum "
        f"value set: {enumerated('Runtime')} or be a valid ARN"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no name", ["Member must satisfy regular expression pattern: {pattern}"]),
        ("n" * 65, ["Member must have length less than or equal to 64"]),
        (
            " " * 200,
            [
                "Member must satisfy regular expression pattern: {pattern}",
                "Member must have length less than or equal to 64",
            ],
        ),
    ],
)
def test_a_new_functions_plain_name_is_judged_in_its_own_way(name: str, told: list[str]) -> None:
    shape = MODEL.operation_model("CreateFunction").input_shape

    with pytest.raises(ApiError) as info:
        validate(shape, FUNCTION | {"FunctionName": name})

    assert info.value.code == "InvalidParameterValueException"
    assert info.value.message == (
        f"{len(told)} validation error{'s' if len(told) > 1 else ''} detected: "
        + "; ".join(
            f"Value '{name}' at 'functionName' failed to satisfy constraint: "
            f"{text.format(pattern=pattern('FunctionName'))}"
            for text in told
        )
    )


def test_a_values_pattern_is_told_before_its_length() -> None:
    name = "no name" * 20

    message = refusal("GetAlias", FunctionName="f", Name=name)

    assert message == (
        f"2 validation errors detected: Value '{name}' at 'name' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern('Alias')}; "
        f"Value '{name}' at 'name' failed to satisfy constraint: "
        "Member must have length less than or equal to 128"
    )


def test_all_faults_are_told_at_once() -> None:
    message = refusal("CreateFunction", **(FUNCTION | {"Timeout": 0, "FunctionName": None}))

    assert message == (
        "2 validation errors detected: "
        "Value null at 'functionName' failed to satisfy constraint: Member must not be null; "
        "Value '0' at 'timeout' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


def test_an_item_that_is_a_structure_is_found_by_its_place() -> None:
    filters = [{"Pattern": "{}"}, {"Pattern": "x" * 4097}]

    message = refusal(
        "UpdateEventSourceMapping", UUID="1" * 36, FilterCriteria={"Filters": filters}
    )

    assert "at 'filterCriteria.filters.2.member.pattern' failed to satisfy" in message
    assert message.endswith("Member must have length less than or equal to 4096")


def test_what_is_missing_in_a_list_is_told() -> None:
    message = refusal(
        "TagResource", Resource="arn:aws:lambda:us-east-1:123456789012:function:f", Tags={"k": None}
    )

    assert "Map value must satisfy constraint: [" in message
    assert message.endswith("Member must not be null]")


def test_a_good_request_passes() -> None:
    members = FUNCTION | {
        "Architectures": ["arm64"],
        "Environment": {"Variables": {"NAME": "value"}},
        "Tags": {"Größe 1": "a+b=c/d"},
        "Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:l:1"],
    }

    validate(MODEL.operation_model("CreateFunction").input_shape, members)


@pytest.mark.parametrize("service", ["lambda", "logs"])
def test_every_constraint_of_the_models_can_be_checked(service: str) -> None:
    model = service_model(service)
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        if shape is not None:
            with suppress(ApiError):
                validate(shape, junk(shape))


def junk(shape: Any, depth: int = 0) -> Any:
    """A value of the right type that nobody wants; all members of structures are there."""
    simple: dict[str, Any] = {
        "string": "\N{SNOWMAN}\n",
        "integer": -9,
        "long": -9,
        "float": -0.5,
        "double": -0.5,
        "boolean": True,
        "blob": b"",
        "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
    }
    if shape.type_name in simple:
        return simple[shape.type_name]
    if depth > 5:
        return [] if shape.type_name == "list" else {}
    if shape.type_name == "list":
        return [junk(shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"\N{SNOWMAN}": junk(shape.value, depth + 1)}
    return {name: junk(member, depth + 1) for name, member in shape.members.items()}
