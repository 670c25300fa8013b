"""Expected are answers that AWS gave: those that LocalStack's tests recorded (tests/aws/services/
lambda_ of its repository), unless noted. Refusals that are not among those are as users report
them or as LocalStack's service words them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service.api.serving import call, refusal
from tests.service.control.plane import ARN, Control, controlling
from warmstart.service.api.model import service_model

CORS = {
    "AllowCredentials": False,
    "AllowHeaders": ["x-custom"],
    "AllowMethods": ["GET", "POST"],
    "AllowOrigins": ["https://example.com"],
    "ExposeHeaders": ["date"],
    "MaxAge": 0,
}


def url_id(url: str) -> str:
    host = urlsplit(url).hostname
    assert host is not None
    return host.partition(".")[0]


async def test_a_url_is_created_read_changed_listed_and_deleted(
    lambda_: Any, control: Control
) -> None:
    await control.create()
    created = await call(lambda_.create_function_url_config, FunctionName="f", AuthType="NONE")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    del created["ResponseMetadata"]
    assert created == {
        "AuthType": "NONE",
        "CreationTime": "2026-11-24T12:00:00.250+0000",
        "FunctionArn": ARN,
        "FunctionUrl": created["FunctionUrl"],
    }

    shown = {"InvokeMode": "BUFFERED", "LastModifiedTime": created["CreationTime"], **created}
    got = await call(lambda_.get_function_url_config, FunctionName="f")
    del got["ResponseMetadata"]
    assert got == shown

    updated = await call(
        lambda_.update_function_url_config,
        FunctionName="f",
        AuthType="AWS_IAM",
        Cors=CORS,
        InvokeMode="RESPONSE_STREAM",
    )
    del updated["ResponseMetadata"]
    changed = {"AuthType": "AWS_IAM", "Cors": CORS, "InvokeMode": "RESPONSE_STREAM"}
    assert updated == shown | changed
    listed = await call(lambda_.list_function_url_configs, FunctionName="f")
    assert listed["FunctionUrlConfigs"] == [updated]

    deleted = await call(lambda_.delete_function_url_config, FunctionName="f")
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    gone = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert await refusal(lambda_.get_function_url_config, FunctionName="f") == gone
    assert await refusal(lambda_.delete_function_url_config, FunctionName="f") == gone
    assert await refusal(lambda_.update_function_url_config, FunctionName="f") == gone


async def test_a_url_leads_to_the_services_own_port(lambda_: Any, control: Control) -> None:
    await control.create()
    created = await call(lambda_.create_function_url_config, FunctionName="f", AuthType="NONE")
    url = urlsplit(created["FunctionUrl"])
    assert (url.scheme, url.port, url.path) == ("http", 9000, "/")
    assert url.hostname is not None
    assert url.hostname.endswith(".lambda-url.us-east-1.localhost")
    # As AWS's are: 32 characters, and as long as the model wants.
    assert len(url_id(created["FunctionUrl"])) == 32
    length = service_model("lambda").shape_for("FunctionUrl").metadata
    assert length["min"] <= len(created["FunctionUrl"]) <= length["max"]


async def test_an_alias_has_a_url_of_its_own(lambda_: Any, control: Control) -> None:
    await control.create(Publish=True)
    await control.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    for function in ("f", "f:live"):
        await call(lambda_.create_function_url_config, FunctionName=function, AuthType="NONE")
    first = await call(lambda_.list_function_url_configs, FunctionName="f", MaxItems=1)
    second = await call(
        lambda_.list_function_url_configs, FunctionName="f", Marker=first["NextMarker"]
    )
    urls = first["FunctionUrlConfigs"] + second["FunctionUrlConfigs"]
    assert [url["FunctionArn"] for url in urls] == [ARN, f"{ARN}:live"]

    found = control.control.urls.find(url_id(urls[1]["FunctionUrl"]))
    assert found is not None
    assert (found.function, found.qualifier, found.invoke_mode) == ("f", "live", "BUFFERED")
    await control.call("DeleteAlias", FunctionName="f", Name="live")
    assert control.control.urls.find(found.url_id) is None


async def test_a_url_is_found_while_it_is_there_and_after_a_restart(tmp_path: Path) -> None:
    async with controlling(tmp_path) as control:
        await control.create()
        given = {"FunctionName": "f", "AuthType": "AWS_IAM", "Cors": CORS}
        created = await control.call("CreateFunctionUrlConfig", **given)
        first = url_id(created["FunctionUrl"])
    async with controlling(tmp_path) as control:
        found = control.control.urls.find(first)
        assert found is not None
        assert (found.function, found.qualifier) == ("f", None)
        assert (found.auth_type, found.cors) == ("AWS_IAM", CORS)

        await control.call("DeleteFunction", FunctionName="f")
        assert control.control.urls.find(first) is None
        await control.create()
        again = await control.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
        second = url_id(again["FunctionUrl"])
        assert second != first
        assert control.control.urls.find(second) is not None
        assert control.control.urls.find(first) is None


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        (
            "create",
            {"FunctionName": "g", "AuthType": "NONE"},
            (404, "ResourceNotFoundException", "Function does not exist"),
        ),
        (
            "create",
            {"Qualifier": "absent", "AuthType": "NONE"},
            (404, "ResourceNotFoundException", "Function does not exist"),
        ),
        (
            "create",
            {"AuthType": "NONE"},
            (
                409,
                "ResourceConflictException",
                f"Failed to create function url config for [functionArn = {ARN}]. Error message:"
                "  FunctionUrlConfig exists for this Lambda function",
            ),
        ),
        (
            "get",
            {"FunctionName": "g"},
            (404, "ResourceNotFoundException", "The resource you requested does not exist."),
        ),
        (
            "update",
            {"FunctionName": "g"},
            (404, "ResourceNotFoundException", "Function does not exist"),
        ),
        (
            "get",
            {"FunctionName": "f:a", "Qualifier": "b"},
            (
                400,
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified"
                " qualifier.",
            ),
        ),
    ],
)
async def test_what_aws_refuses_is_refused_in_its_words(
    lambda_: Any, control: Control, method: str, parameters: Any, expected: Any
) -> None:
    await control.create()
    await control.call("CreateFunctionUrlConfig", FunctionName="f", AuthType="NONE")
    given = {"FunctionName": "f", **parameters}
    refused = await refusal(getattr(lambda_, f"{method}_function_url_config"), **given)
    assert refused == expected


async def test_a_version_has_no_url(lambda_: Any, control: Control) -> None:
    await control.create(Publish=True)
    given = {"FunctionName": "f", "Qualifier": "1", "AuthType": "NONE"}
    _, code, message = await refusal(lambda_.create_function_url_config, **given)
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: Value '1' at 'qualifier' failed")
