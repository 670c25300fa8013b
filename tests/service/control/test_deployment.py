from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.service.control.plane import Control, MemoryPlane, archive, controlling, function
from warmstart.service.errors import InitFailed
from warmstart.service.function import Function


async def everything(control: Control) -> None:
    """One of all that must outlive the process."""
    layer = await control.call(
        "PublishLayerVersion", LayerName="l", Content={"ZipFile": archive({"a": "layer"})}
    )
    await control.create(Publish=True, Layers=[layer["LayerVersionArn"]])
    code = archive({"app.py": "second"})
    await control.call("UpdateFunctionCode", FunctionName="f", ZipFile=code, Publish=True)
    await control.settled()
    await control.call(
        "CreateAlias",
        FunctionName="f",
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    await control.call("PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=7)
    await control.call(
        "PutProvisionedConcurrencyConfig",
        FunctionName="f",
        Qualifier="2",
        ProvisionedConcurrentExecutions=3,
    )


async def test_after_a_restart_everything_is_there_and_runs(tmp_path: Path) -> None:
    reads = [
        ("GetFunction", {"FunctionName": "f"}),
        ("ListVersionsByFunction", {"FunctionName": "f"}),
        ("ListAliases", {"FunctionName": "f"}),
        ("GetFunctionConcurrency", {"FunctionName": "f"}),
        ("ListProvisionedConcurrencyConfigs", {"FunctionName": "f"}),
        ("ListLayers", {}),
    ]
    async with controlling(tmp_path) as control:
        await everything(control)
        before = [await control.call(name, **parameters) for name, parameters in reads]
        plane = control.plane

    async with controlling(tmp_path) as control:
        await control.control.restore()
        after = [await control.call(name, **parameters) for name, parameters in reads]
        assert vars(control.plane) | {"updates": []} == vars(plane) | {"updates": []}

    for answers in (before, after):
        del answers[0]["Code"]["Location"]  # of each process's own
    assert after == before


def archives(directory: Path) -> int:
    return len(list(directory.glob("code/archives/*")))


async def test_a_restart_deletes_code_that_nothing_uses(tmp_path: Path) -> None:
    async with controlling(tmp_path) as control:
        await control.create("f", Code={"ZipFile": archive({"app.py": "f"})})
        await control.create("g", Code={"ZipFile": archive({"app.py": "g"})})
        await control.call("DeleteFunction", FunctionName="g")
        assert archives(tmp_path) == 2

    async with controlling(tmp_path) as control:
        await control.control.restore()
        assert archives(tmp_path) == 1
        assert control.plane.functions["f", "$LATEST"].task_root


async def test_what_was_in_progress_when_the_process_ended_is_finished_by_the_next(
    tmp_path: Path,
) -> None:
    async with controlling(tmp_path) as control:
        await control.create("f")
        # Nothing is awaited behind the two, so that neither goes on.
        await control.call("CreateFunction", **function("g"))
        await control.call("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)

    async with controlling(tmp_path) as control:
        for name, member, value in (
            ("f", "LastUpdateStatus", "InProgress"),
            ("g", "State", "Pending"),
        ):
            got = await control.call("GetFunctionConfiguration", FunctionName=name)
            assert got[member] == value
        await control.control.restore()
        for name in "fg":
            settled = await control.call("GetFunctionConfiguration", FunctionName=name)
            assert (settled["State"], settled["LastUpdateStatus"]) == ("Active", "Successful")
        assert control.plane.functions["f", "$LATEST"].timeout == 9


async def test_a_function_whose_runtime_is_gone_after_a_restart_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "bin" / "python3.77"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 3.77\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(python.parent))
    async with controlling(tmp_path / "data") as control:
        await control.create(Runtime="python3.77")
        got = await control.call("GetFunctionConfiguration", FunctionName="f")
        assert got["State"] == "Active"

    python.unlink()
    async with controlling(tmp_path / "data") as control:
        await control.control.restore()
        got = await control.call("GetFunctionConfiguration", FunctionName="f")
        assert (got["State"], got["StateReasonCode"]) == ("Failed", "InvalidRuntime")
        assert control.plane.functions == {}


class Unready(MemoryPlane):
    """Its functions do not get through the INIT that a snapshot needs."""

    async def create_function(self, function: Function) -> None:
        if function.snap_start:
            raise InitFailed("Runtime.ImportModuleError", b'{"errorMessage": "No module"}')
        await super().create_function(function)


async def test_a_snapshot_that_cannot_be_made_fails_the_version(tmp_path: Path) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
    code = {"ZipFile": archive({"bootstrap": "#!/bin/sh"})}
    snap_start = {"ApplyOn": "PublishedVersions"}
    async with controlling(tmp_path, Unready()) as control:
        await control.create(Runtime="java21", Code=code, SnapStart=snap_start, Publish=True)
        latest = await control.call("GetFunctionConfiguration", FunctionName="f")
        version = await control.call("GetFunctionConfiguration", FunctionName="f:1")
    assert latest["State"] == "Active"
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError")
    assert "No module" in version["StateReason"]


class BrokenPlane(MemoryPlane):
    """Fails as only our own code does."""

    async def create_function(self, function: Function) -> None:
        raise ZeroDivisionError("for example")


async def test_a_fault_of_ours_is_logged_and_the_function_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with controlling(tmp_path, BrokenPlane()) as control:
        with caplog.at_level(logging.ERROR):
            await control.create()
        got = await control.call("GetFunctionConfiguration", FunctionName="f")
    assert (got["State"], got["StateReasonCode"]) == ("Failed", "InternalError")
    assert "ZeroDivisionError: for example" in caplog.text
