"""The whole: boto3, the API, the control plane, and functions that really run."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service.api.serving import call, client, serving
from tests.service.control.plane import ROLE, archive, function
from warmstart.service.api.application import Api, Application
from warmstart.service.api.invocations import Invocations
from warmstart.service.api.operations import operations_of
from warmstart.service.api.rest_json import RestJSON
from warmstart.service.control.arns import Arns
from warmstart.service.control.control_plane import ControlPlane
from warmstart.service.control.invoker import DeployedFunctions
from warmstart.service.control.runtimes import Interpreters, RuntimeUnavailable
from warmstart.service.service import Service
from warmstart.service.state.code import CodeStore
from warmstart.service.state.store import Store

ARNS = Arns("us-east-1", "123456789012")


class NoEvents:
    """Asynchronous invocations are not what is tested here."""

    async def enqueue(self, function: str, qualifier: str | None, payload: bytes, **_: Any) -> None:
        raise NotImplementedError


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Any]:
    """boto3 before a whole service over the directory's state."""
    store = Store.open(directory)
    async with Service() as service:
        control = ControlPlane(
            store, CodeStore(directory), service, arns=ARNS, endpoint=lambda: "http://nowhere"
        )
        await control.restore()
        functions = DeployedFunctions(service, control.registry)
        api = Api(
            RestJSON("lambda"),
            operations_of(*control.groups),
            Invocations(functions, NoEvents(), ARNS),
        )
        async with serving(Application(api)) as port:
            boto = client("lambda", port)
            yield boto
            boto.close()
        await control.aclose()
    store.close()


@pytest.fixture
async def lambda_(tmp_path: Path) -> AsyncIterator[Any]:
    async with running(tmp_path) as boto:
        yield boto


async def wait(lambda_: Any, name: str, **parameters: Any) -> None:
    waiter = lambda_.get_waiter(name)
    await call(waiter.wait, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **parameters)


async def invoke(lambda_: Any, name: str = "f", **parameters: Any) -> Any:
    response = await call(lambda_.invoke, FunctionName=name, **parameters)
    assert "FunctionError" not in response, response["Payload"].read()
    return json.load(response["Payload"])


async def test_a_function_is_created_invoked_changed_and_published(lambda_: Any) -> None:
    source = """
import os

def handler(event, context):
    return [os.environ["NAME"], context.function_version, event]
"""
    code = {"ZipFile": archive({"app.py": source})}
    environment = {"Variables": {"NAME": "first"}}
    await call(lambda_.create_function, **function(Code=code, Environment=environment))
    await wait(lambda_, "function_active_v2", FunctionName="f")
    assert await invoke(lambda_, Payload=b"1") == ["first", "$LATEST", 1]

    await call(lambda_.publish_version, FunctionName="f")
    environment = {"Variables": {"NAME": "second"}}
    await call(lambda_.update_function_configuration, FunctionName="f", Environment=environment)
    await wait(lambda_, "function_updated_v2", FunctionName="f")
    assert await invoke(lambda_, Payload=b"2") == ["second", "$LATEST", 2]
    assert await invoke(lambda_, Payload=b"3", Qualifier="1") == ["first", "1", 3]

    await call(lambda_.create_alias, FunctionName="f", Name="live", FunctionVersion="1")
    assert await invoke(lambda_, Payload=b"4", Qualifier="live") == ["first", "1", 4]
    await call(lambda_.update_alias, FunctionName="f", Name="live", FunctionVersion="$LATEST")
    assert (await invoke(lambda_, "f:live"))[0] == "second"

    await call(lambda_.delete_function, FunctionName="f")
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        await call(lambda_.invoke, FunctionName="f")


async def test_a_function_sees_its_layers(lambda_: Any) -> None:
    layer = archive({"python/shared.py": "WORD = 'layered'"})
    published = await call(lambda_.publish_layer_version, LayerName="l", Content={"ZipFile": layer})
    code = {"ZipFile": archive({"app.py": "import shared\ndef handler(e, c): return shared.WORD"})}
    layers = [published["LayerVersionArn"]]
    await call(lambda_.create_function, **function(Code=code, Layers=layers))
    await wait(lambda_, "function_active_v2", FunctionName="f")
    assert await invoke(lambda_) == "layered"


async def test_reserved_and_provisioned_concurrency_are_the_data_planes_too(lambda_: Any) -> None:
    await call(lambda_.create_function, **function(Publish=True))
    await wait(lambda_, "published_version_active", FunctionName="f", Qualifier="1")
    which = {"FunctionName": "f", "Qualifier": "1"}
    await call(
        lambda_.put_provisioned_concurrency_config, **which, ProvisionedConcurrentExecutions=1
    )
    got = await call(lambda_.get_provisioned_concurrency_config, **which)
    while got["Status"] == "IN_PROGRESS":
        got = await call(lambda_.get_provisioned_concurrency_config, **which)
    assert (got["Status"], got["AvailableProvisionedConcurrentExecutions"]) == ("READY", 1)
    assert await invoke(lambda_, Qualifier="1", Payload=b"5") == 5
    await call(lambda_.delete_provisioned_concurrency_config, **which)

    await call(lambda_.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(lambda_.exceptions.TooManyRequestsException) as caught:
        await call(lambda_.invoke, FunctionName="f")
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert caught.value.response["Reason"] == reason


async def test_a_custom_runtime_runs_its_bootstrap(lambda_: Any) -> None:
    client_source = (Path(__file__).parents[1] / "raw_runtime.py").read_text()
    files = {
        "bootstrap": f'#!/bin/sh\nexec {sys.executable} "$LAMBDA_TASK_ROOT/client.py" echo\n',
        "client.py": client_source,
    }
    await call(
        lambda_.create_function,
        FunctionName="f",
        Runtime="provided.al2023",
        Role=ROLE,
        Handler="unused",
        Code={"ZipFile": archive(files)},
    )
    await wait(lambda_, "function_active_v2", FunctionName="f")
    assert (
        await invoke(lambda_, Payload=b'"through a custom runtime"') == "through a custom runtime"
    )


async def test_a_restarted_service_runs_what_the_last_one_had(tmp_path: Path) -> None:
    async with running(tmp_path) as lambda_:
        await call(lambda_.create_function, **function(Publish=True))
        await wait(lambda_, "published_version_active", FunctionName="f", Qualifier="1")
        await call(lambda_.create_alias, FunctionName="f", Name="live", FunctionVersion="1")

    async with running(tmp_path) as lambda_:
        for qualifier in ("$LATEST", "1", "live"):
            assert await invoke(lambda_, Payload=b"7", Qualifier=qualifier) == 7


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
async def test_a_function_runs_on_the_python_that_it_names(lambda_: Any, version: str) -> None:
    interpreters = Interpreters()
    try:
        interpreters.program(version)
    except RuntimeUnavailable:
        pytest.skip(f"Python {version} is not on this machine")
    finally:
        interpreters.close()
    source = "import sys\ndef handler(event, context): return '%d.%d' % sys.version_info[:2]"
    code = {"ZipFile": archive({"app.py": source})}
    await call(lambda_.create_function, **function(Runtime=f"python{version}", Code=code))
    await wait(lambda_, "function_active_v2", FunctionName="f")
    assert await invoke(lambda_) == version


async def test_what_cannot_run_is_refused_by_invoke_with_its_reason(lambda_: Any) -> None:
    await call(lambda_.create_function, **function(Runtime="ruby3.4"))
    waiter = lambda_.get_waiter("function_active_v2")
    with pytest.raises(Exception, match="terminal failure state"):
        await call(waiter.wait, FunctionName="f", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    with pytest.raises(ClientError) as caught:
        await call(lambda_.invoke, FunctionName="f")
    assert caught.value.response["Error"]["Code"] == "ResourceConflictException"
    assert "ruby3.4 is not on this machine" in caught.value.response["Error"]["Message"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="AWS has SnapStart for 3.12 and newer")
async def test_a_version_with_snap_start_is_invoked_once_its_snapshot_is_there(
    lambda_: Any,
) -> None:
    source = """
import os, socket

if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
    with socket.create_connection(("127.0.0.1", int(os.environ["GATE"]))) as gate:
        gate.recv(1)
INIT = os.getpid()

def handler(event, context):
    return [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.getpid() != INIT]
"""
    code = {"ZipFile": archive({"app.py": source})}
    snap_start = {"ApplyOn": "PublishedVersions"}
    with socket.create_server(("127.0.0.1", 0)) as gate:
        environment = {"Variables": {"GATE": str(gate.getsockname()[1])}}
        made = function(Code=code, SnapStart=snap_start, Environment=environment)
        await call(lambda_.create_function, **made)
        await wait(lambda_, "function_active_v2", FunctionName="f")
        published = await call(lambda_.publish_version, FunctionName="f")
        assert (published["State"], published["StateReasonCode"]) == ("Pending", "Creating")
        assert published["SnapStart"]["OptimizationStatus"] == "On"
        with pytest.raises(lambda_.exceptions.SnapStartNotReadyException):
            await call(lambda_.invoke, FunctionName="f", Qualifier="1")
        (await call(gate.accept))[0].close()

    await wait(lambda_, "published_version_active", FunctionName="f", Qualifier="1")
    assert await invoke(lambda_, Qualifier="1") == ["snap-start", True]
    assert await invoke(lambda_) == ["on-demand", False]
