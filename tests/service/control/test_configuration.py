"""Texts are recorded from AWS, where a comment does not say otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.control.plane import function
from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.control.arns import Arns
from warmstart.service.control.configuration import changed, initial

ARNS = Arns("us-east-1", "123456789012")


def settings(**parameters: Any) -> Members:
    return initial(function(**parameters), "f", ARNS)


def refused(**parameters: Any) -> str:
    with pytest.raises(ApiError) as caught:
        settings(**parameters)
    assert caught.value.code == "InvalidParameterValueException"
    return caught.value.message


def test_variables_of_4_kb_are_the_most() -> None:
    # {"A":"…"} is 8 bytes beside the value.
    variables = {"A": "x" * 4088}
    assert settings(Environment={"Variables": variables})["Environment"] == {"Variables": variables}

    value = "x" * 4089
    assert refused(Environment={"Variables": {"A": value}}) == (
        "Lambda was unable to configure your environment variables because the environment"
        " variables you have provided exceeded the 4KB limit."
        f' String measured: {{"A":"{value}"}}'
    )


def test_variables_are_measured_in_bytes() -> None:
    assert settings(Environment={"Variables": {"A": "é" * 2044}})
    assert "exceeded the 4KB limit" in refused(Environment={"Variables": {"A": "é" * 2045}})


def test_reserved_variables_are_named() -> None:
    variables = {"AWS_REGION": "x", "MINE": "x", "_HANDLER": "x"}
    assert refused(Environment={"Variables": variables}) == (
        "Lambda was unable to configure your environment variables because the environment"
        " variables you have provided contains reserved keys that are currently not supported for"
        " modification. Reserved keys used in this request: AWS_REGION, _HANDLER"
    )


@pytest.mark.parametrize(
    ("parameters", "path", "value", "limit"),
    [
        ({"Timeout": 901}, "timeout", 901, 900),
        ({"MemorySize": 10241}, "memorySize", 10241, 10240),
        ({"EphemeralStorage": {"Size": 10241}}, "ephemeralStorage.size", 10241, 10240),
    ],
)
def test_limits_are_those_of_the_documentation(
    parameters: Members, path: str, value: int, limit: int
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    assert refused(**parameters) == (
        f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint:"
        f" Member must have value less than or equal to {limit}"
    )


def test_managed_instances_have_the_larger_limits_of_the_model() -> None:
    provider = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "arn"}}
    assert settings(MemorySize=32768, CapacityProviderConfig=provider)["MemorySize"] == 32768


@pytest.mark.parametrize("runtime", ["python3.7", "nodejs14.x", "go1.x", "provided", "java8"])
def test_runtimes_that_aws_has_retired_are_refused(runtime: str) -> None:
    assert refused(Runtime=runtime) == (
        f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS"
        " Lambda functions. We recommend you use a supported runtime while creating or updating"
        " functions."
    )


@pytest.mark.parametrize("runtime", ["python3.12", "python3.14", "java11", "java21", "dotnet8"])
def test_snap_start_is_there_for_the_documented_runtimes(runtime: str) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes
    made = settings(Runtime=runtime, SnapStart={"ApplyOn": "PublishedVersions"})
    assert made["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs22.x", "provided.al2023", "java8.al2"])
def test_snap_start_is_refused_for_all_others(runtime: str) -> None:
    assert refused(Runtime=runtime, SnapStart={"ApplyOn": "PublishedVersions"}) == (
        f"{runtime} is not supported for SnapStart enabled functions."
    )


@pytest.mark.parametrize(
    "other",
    [
        {"EphemeralStorage": {"Size": 513}},
        {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}},
        {"FileSystemConfigs": [{"Arn": "arn", "LocalMountPath": "/mnt/a"}]},
    ],
)
def test_snap_start_is_refused_with_what_it_does_not_go_with(other: Members) -> None:
    # The documentation says so, but not in which words.
    snap_start = {"ApplyOn": "PublishedVersions"}
    (member,) = other
    assert refused(Runtime="python3.12", SnapStart=snap_start, **other).startswith(member)


def test_json_logs_have_levels_and_text_logs_have_none() -> None:
    made = settings(LoggingConfig={"LogFormat": "JSON"})
    assert made["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
        "LogGroup": "/aws/lambda/f",
    }

    made = changed(made, {"LoggingConfig": {"SystemLogLevel": "WARN"}}, ARNS)
    assert made["LoggingConfig"]["SystemLogLevel"] == "WARN"

    made = changed(made, {"LoggingConfig": {"LogFormat": "Text"}}, ARNS)
    assert made["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}
    with pytest.raises(ApiError):
        changed(made, {"LoggingConfig": {"SystemLogLevel": "WARN"}}, ARNS)


def test_a_log_group_s_name_must_be_one_that_a_file_can_have() -> None:
    name = "/" * 80
    assert settings(LoggingConfig={"LogGroup": name})["LoggingConfig"]["LogGroup"] == name
    assert "too long to be kept as a file" in refused(LoggingConfig={"LogGroup": name + "x"})


def test_an_image_takes_no_settings_of_a_package() -> None:
    with pytest.raises(ApiError):
        settings(PackageType="Image")


def test_a_change_leaves_the_old_settings_as_they_are() -> None:
    old = settings()
    assert changed(old, {"Timeout": 9, "VpcConfig": {}}, ARNS) != old
    assert old == settings()
