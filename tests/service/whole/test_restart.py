"""What is left when the service ends, gently or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Running, started
from tests.service.whole.clients import Aws, archive
from tests.service.whole.killed import survive


def aws_of(running: Running) -> Aws:
    return Aws(running, "http://127.0.0.1:9")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def without(answer: dict[str, Any], *members: str) -> dict[str, Any]:
    """An answer without what is of the moment."""
    return {
        name: value
        for name, value in answer.items()
        if name not in ("ResponseMetadata", "Location", *members)
    }


def read_everything(aws: Aws) -> list[dict[str, Any]]:
    api = aws.client("lambda")
    function = api.get_function(FunctionName="kept")
    return [
        without(function, "Code"),
        without(api.get_alias(FunctionName="kept", Name="prod")),
        without(api.list_versions_by_function(FunctionName="kept")),
        without(api.get_layer_version(LayerName="base", VersionNumber=1), "Content"),
        without(api.get_function_concurrency(FunctionName="kept")),
        without(api.get_function_event_invoke_config(FunctionName="kept")),
        without(api.list_tags(Resource=function["Configuration"]["FunctionArn"])),
    ]


@pytest.mark.parametrize("gently", [True, False], ids=["interrupted", "killed"])
def test_a_restart_finds_everything(folder: Path, gently: bool) -> None:
    with started(folder, "serve") as running:
        aws = aws_of(running)
        api = aws.client("lambda")
        layer = api.publish_layer_version(
            LayerName="base",
            Content={"ZipFile": archive(**{"python/base": "WHAT = 'layer'"})},
        )
        code = "import base\ndef handler(event, context): return base.WHAT"
        aws.create("kept", code, Layers=[layer["LayerVersionArn"]], Tags={"a": "b"}, Publish=True)
        api.create_alias(FunctionName="kept", Name="prod", FunctionVersion="1")
        api.put_function_concurrency(FunctionName="kept", ReservedConcurrentExecutions=7)
        api.put_function_event_invoke_config(FunctionName="kept", MaximumRetryAttempts=1)
        assert aws.invoke("kept", Qualifier="prod") == "layer"
        before = read_everything(aws)
        if gently:
            assert running.interrupt() == 0
        else:
            running.process.kill()
            running.process.wait()
    with started(folder, "serve") as running:
        aws = aws_of(running)
        assert read_everything(aws) == before
        assert aws.invoke("kept", Qualifier="prod") == "layer"
        logs = aws.client("logs").describe_log_groups()["logGroups"]
        assert [group["logGroupName"] for group in logs] == ["/aws/lambda/kept"]


def test_events_that_were_acknowledged_are_delivered_after_a_kill(folder: Path) -> None:
    survive(folder, 300, seconds=45)
