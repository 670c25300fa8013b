"""What environments have to themselves, and what is left of them: real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.service.real import exists, function, serving
from warmstart.service.environments.cgroups import FULL_VCPU, Cgroups
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.logs.lines import log_line
from warmstart.service.telemetry import Exit, Report

CGROUPS = Cgroups.find()
LIMITS = [
    pytest.param(True, marks=pytest.mark.skipif(CGROUPS is None, reason="no control groups here")),
    False,
]


@pytest.mark.parametrize("limits", LIMITS)
async def test_an_environment_that_takes_too_much_memory_is_ended_and_reset(limits: bool) -> None:
    driver = ProcessDriver(limits=limits)
    async with serving(function("eat", memory_size=128), driver=driver) as (service, observed):
        before = await service.invoke("f", b"64")
        result = await service.invoke("f", b"200", request_id="id")
        after = await service.invoke("f", b"64")

        assert before.function_error is after.function_error is None
        assert json.loads(result.payload) == {
            "errorType": "Runtime.OutOfMemory",
            "errorMessage": "RequestId: id Error: Runtime exited with error: signal: killed",
        }
        report = await observed.wait_for(Report, 2)
        assert (report.status, report.error_type) == ("error", "Runtime.OutOfMemory")
        assert report.max_memory_used == 128
        line = log_line(report)
        assert line is not None
        assert line.endswith("\tStatus: error\tError Type: Runtime.OutOfMemory")
        assert service.statistics()["f"].started == 1


@pytest.mark.skipif(CGROUPS is None, reason="no control groups here")
async def test_memory_that_a_child_had_is_reported_when_it_has_gone() -> None:
    async with serving(function("eat", memory_size=256)) as (service, observed):
        await service.invoke("f", b"-100")
        report = await observed.wait_for(Report)

        assert report.max_memory_used is not None
        assert 100 < report.max_memory_used < 200


@pytest.mark.parametrize("limits", LIMITS)
async def test_a_process_that_left_its_session_ends_with_the_environment(limits: bool) -> None:
    async with serving(function("hide"), driver=ProcessDriver(limits=limits)) as (service, _):
        pid = int((await service.invoke("f", b"")).payload)
        assert exists(pid)

    assert not exists(pid)


@pytest.mark.parametrize("limits", LIMITS)
async def test_a_process_that_left_its_session_ends_with_a_reset(limits: bool) -> None:
    hiding = function("hide", timeout=2.0)
    async with serving(hiding, driver=ProcessDriver(limits=limits)) as (service, observed):
        pid = int((await service.invoke("f", b"")).payload)
        timed_out = await service.invoke("f", b"60")
        await observed.wait_for(Exit)
        assert timed_out.function_error is not None
        # On a slow machine the INIT within it may take longer than these seconds.
        while (await service.invoke("f", b"")).function_error is not None:
            pass
        assert not exists(pid)


@pytest.mark.skipif(CGROUPS is None, reason="no control groups here")
def test_a_group_has_a_share_of_the_cpu_according_to_its_memory() -> None:
    assert CGROUPS is not None
    group = CGROUPS.create("share", FULL_VCPU // 2)
    try:
        parent = f"warmstart-{os.getpid()}"
        shares = [place / parent / "share" / "cpu.shares" for place in CGROUPS.places]
        found = [int(path.read_text()) for path in shares if path.exists()]
    finally:
        group.remove()

    assert found in ([], [511], [512])


ABANDONED = """
import asyncio, os, signal, sys
from tests.service.real import function
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.service import Service

async def main():
    async with Service(driver=ProcessDriver(limits={limits})) as service:
        await service.create_function(function("pid"))
        print((await service.invoke("f", b"0")).payload.decode(), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("limits", LIMITS)
def test_what_a_service_has_left_that_was_killed_goes_when_the_next_one_starts(
    limits: bool,
) -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", ABANDONED.format(limits=limits)],
        stdout=subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{root}:{root / 'src'}"},
    ) as service:
        assert service.stdout is not None
        runtime = int(service.stdout.readline())
        service.kill()
    left = list(Path(tempfile.gettempdir()).glob(f"warmstart-{service.pid}-*"))
    assert len(left) == 1
    ProcessDriver(limits=limits)

    assert not exists(runtime)
    assert not left[0].exists()
    if CGROUPS is not None:
        places = [place / f"warmstart-{service.pid}" for place in CGROUPS.places]
        assert not any(place.exists() for place in places)


def test_services_that_start_at_once_may_find_the_same_things_left() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for number in range(20):
        Path(tempfile.gettempdir(), f"warmstart-{gone.pid}-{number:032x}").mkdir()
    with ThreadPoolExecutor(4) as threads:
        for started in [threads.submit(ProcessDriver) for _ in range(4)]:
            started.result()

    assert list(Path(tempfile.gettempdir()).glob(f"warmstart-{gone.pid}-*")) == []


def test_a_link_that_somebody_has_put_there_ends_no_process(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    marker = f"{os.getpid()}{tmp_path.name}".replace("_", "")
    link = Path(tempfile.gettempdir(), f"warmstart-{gone.pid}-{marker}")
    link.symlink_to(tmp_path)
    try:
        with subprocess.Popen(["sleep", "30"], env={"MARKER": marker}) as bystander:
            ProcessDriver(limits=False)
            alive = bystander.poll() is None
            bystander.kill()
        assert alive
    finally:
        link.unlink()
