"""Expected members and texts are recorded from AWS, where a comment does not say otherwise."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.service.control.plane import RUNTIME, Control, archive, function

LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:l"


def content(text: str = "one") -> dict[str, Any]:
    return {"ZipFile": archive({"python/shared.py": text})}


def read(layers: str | None) -> str:
    assert layers is not None
    return Path(layers, "python/shared.py").read_text()


async def publish(control: Control, name: str = "l", **parameters: Any) -> dict[str, Any]:
    return await control.call(
        "PublishLayerVersion", **({"LayerName": name, "Content": content()} | parameters)
    )


async def test_a_layer_version_shows_what_it_is(control: Control) -> None:
    given: dict[str, Any] = {
        "Description": "mine",
        "CompatibleRuntimes": [RUNTIME],
        "CompatibleArchitectures": ["x86_64"],
        "LicenseInfo": "MIT",
    }
    published = await publish(control, **given)
    code = content()["ZipFile"]
    location = published["Content"].pop("Location")
    assert location.startswith("http://127.0.0.1:9000/2015-03-31/archives/")
    assert published == {
        "Content": {
            "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
            "CodeSize": len(code),
        },
        "LayerArn": LAYER,
        "LayerVersionArn": f"{LAYER}:1",
        "CreatedDate": "2026-11-24T12:00:00.250+0000",
        "Version": 1,
        **given,
    }
    for got in (
        await control.call("GetLayerVersion", LayerName="l", VersionNumber=1),
        await control.call("GetLayerVersion", LayerName=LAYER, VersionNumber=1),
        await control.call("GetLayerVersionByArn", Arn=f"{LAYER}:1"),
    ):
        del got["Content"]["Location"]
        assert got == published


async def test_versions_are_listed_newest_first_and_layers_with_their_latest(
    control: Control,
) -> None:
    await publish(control, CompatibleRuntimes=["python3.12"])
    await publish(control, CompatibleRuntimes=["python3.13"])
    await publish(control, "other")

    async def versions(**parameters: Any) -> list[int]:
        output = await control.call("ListLayerVersions", LayerName="l", **parameters)
        assert all("Content" not in each for each in output["LayerVersions"])
        return [each["Version"] for each in output["LayerVersions"]]

    assert await versions() == [2, 1]
    assert await versions(CompatibleRuntime="python3.12") == [1]
    assert await versions(CompatibleArchitecture="arm64") == []
    assert await versions(MaxItems=1) == [2]

    listed = (await control.call("ListLayers"))["Layers"]
    assert [(each["LayerName"], each["LatestMatchingVersion"]["Version"]) for each in listed] == [
        ("l", 2),
        ("other", 1),
    ]
    listed = (await control.call("ListLayers", CompatibleRuntime="python3.12"))["Layers"]
    assert [each["LatestMatchingVersion"]["LayerVersionArn"] for each in listed] == [f"{LAYER}:1"]


async def test_a_layer_that_is_not_there_has_no_versions(control: Control) -> None:
    listed = await control.call("ListLayerVersions", LayerName="nope")
    assert listed == {"LayerVersions": []}


async def test_a_function_gets_its_layers_merged_in_order(control: Control) -> None:
    first = await publish(control, "a", Content=content("first"))
    second = await publish(control, "b", Content=content("second"))
    arns = [first["LayerVersionArn"], second["LayerVersionArn"]]
    created = await control.create(Layers=arns)

    assert created["Layers"] == [
        {"Arn": arn, "CodeSize": each["Content"]["CodeSize"]}
        for arn, each in zip(arns, (first, second), strict=True)
    ]
    layers = control.plane.functions["f", "$LATEST"].layers_directory
    assert read(layers) == "second"

    updated = await control.call("UpdateFunctionConfiguration", FunctionName="f", Layers=[])
    assert "Layers" not in updated
    await control.settled()
    assert control.plane.functions["f", "$LATEST"].layers_directory is None


async def test_a_function_keeps_a_layer_that_was_deleted(control: Control) -> None:
    published = await publish(control)
    await control.create(Layers=[published["LayerVersionArn"]])
    await control.call("DeleteLayerVersion", LayerName="l", VersionNumber=1)
    await control.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=4)
    await control.settled()

    layers = control.plane.functions["f", "$LATEST"].layers_directory
    assert read(layers) == "one"
    assert await control.refused("GetLayerVersion", LayerName="l", VersionNumber=1) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )
    assert (await publish(control))["Version"] == 2


@pytest.mark.parametrize(
    ("arns", "error"),
    [
        (
            [f"{LAYER}:9"],
            ("InvalidParameterValueException", f"Layer version {LAYER}:9 does not exist."),
        ),
        (
            [f"{LAYER}:1", f"{LAYER}:2"],
            (
                "InvalidParameterValueException",
                "Two different versions of the same layer are not allowed to be referenced in the"
                f" same function. {LAYER}:1 and {LAYER}:2 are versions of the same layer.",
            ),
        ),
        (
            [LAYER.replace("us-east-1", "us-west-2") + ":1"],
            (
                "InvalidParameterValueException",
                "Layers are not in the same region as the function. Layers are expected to be in"
                " region us-east-1.",
            ),
        ),
        (  # who asks is the account itself here, as nobody is signed in
            ["arn:aws:lambda:us-east-1:999999999999:layer:l:1"],
            (
                "AccessDeniedException",
                "User: arn:aws:iam::123456789012:root is not authorized to perform:"
                " lambda:GetLayerVersion on resource:"
                " arn:aws:lambda:us-east-1:999999999999:layer:l:1 because no resource-based policy"
                " allows the lambda:GetLayerVersion action",
            ),
        ),
    ],
)
async def test_a_function_cannot_have_other_layers(
    control: Control, arns: list[str], error: tuple[str, str]
) -> None:
    for _ in range(2):
        await publish(control)
    assert await control.refused("CreateFunction", **function(Layers=arns)) == error


async def test_versions_begin_at_one(control: Control) -> None:
    for operation in ("GetLayerVersion", "DeleteLayerVersion"):
        assert await control.refused(operation, LayerName="l", VersionNumber=0) == (
            "InvalidParameterValueException",
            "Layer Version Cannot be less than 1",
        )
