"""Functions that find things where AWS has them: real processes in real mount namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.service.real import RAW_RUNTIME, function, serving
from warmstart.service.environments.enclosure import ProcessDriver
from warmstart.service.environments.isolation import enter
from warmstart.service.environments.views import Views
from warmstart.service.function import Function
from warmstart.service.service import Service

HOSTS = Path("/etc/hosts").read_text()
ROOT = Views(as_user=False).work()
USER = Views(as_user=True).work()
WAYS = [
    pytest.param(False, marks=pytest.mark.skipif(not ROOT, reason="may not mount")),
    pytest.param(True, marks=pytest.mark.skipif(not USER, reason="no user namespaces")),
]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    code, layers = tmp_path / "code", tmp_path / "layers"
    (code / "lib").mkdir(parents=True)
    (layers / "python").mkdir(parents=True)
    (code / "app.py").write_text("")
    (layers / "python" / "layer.py").write_text("")
    (layers / "file").write_text("")
    return {"task_root": str(code), "layers_directory": str(layers), "isolated": True}


def write(directory: str, name: str, text: str) -> Path:
    path = Path(directory, name)
    path.write_text(text)
    return path


async def run(service: Service, command: str) -> str:
    result = await service.invoke("f", command.encode())
    assert result.function_error is None
    return str(json.loads(result.payload))


@pytest.mark.parametrize("as_user", WAYS)
async def test_code_and_layers_are_where_aws_has_them_and_read_only(
    settings: dict[str, Any], as_user: bool
) -> None:
    driver = ProcessDriver(as_user=as_user)
    async with serving(function("run", **settings), driver=driver) as (service, _):
        assert await run(service, "pwd") == "/var/task\n"
        assert await run(service, "ls /var/task; ls -d /opt/file /opt/*/*") == (
            "app.py\nlib\n/opt/file\n/opt/python/layer.py\n"
        )
        assert await run(service, "echo $LAMBDA_TASK_ROOT $PYTHONPATH $LD_LIBRARY_PATH") == (
            f"/var/task /opt/python:/opt/python/lib/python3.{sys.version_info.minor}"
            "/site-packages /var/task:/var/task/lib:/opt/lib\n"
        )
        for path in ("/var/task/x", "/var/task/lib/x", "/opt/x", "/opt/python/x"):
            assert "Read-only file system" in await run(service, f"touch {path}")
        assert f"{os.getuid()}\n" == await run(service, "id -u")


@pytest.mark.parametrize("as_user", WAYS)
async def test_the_sandbox_has_its_name_besides_those_that_the_host_knows(
    settings: dict[str, Any], as_user: bool
) -> None:
    driver = ProcessDriver(as_user=as_user)
    async with serving(function("run", **settings), driver=driver) as (service, _):
        hosts = await run(service, "cat /etc/hosts")
        assert hosts.partition("\n") == (
            "127.0.0.1 sandbox.localdomain sandbox",
            "\n",
            HOSTS,
        )
        assert await run(service, "ls -A /opt") == "file\npython\n"


@pytest.mark.parametrize("as_user", WAYS)
async def test_tmp_is_each_environment_s_own(settings: dict[str, Any], as_user: bool) -> None:
    driver = ProcessDriver(as_user=as_user)
    isolated = function("run", **settings)
    async with serving(isolated, driver=driver) as (service, _):
        assert await run(service, f"touch /tmp/mine-{os.getpid()}; echo $TMPDIR") == "\n"
        assert await run(service, "ls /tmp/mine*") == f"/tmp/mine-{os.getpid()}\n"
        assert not Path(f"/tmp/mine-{os.getpid()}").exists()  # noqa: ASYNC240
        await service.start_environment("f")
        await service.update_function(isolated)
        assert "No such file" in await run(service, "ls /tmp/mine*")


@pytest.mark.parametrize("as_user", WAYS)
async def test_a_bootstrap_is_started_from_where_it_is_mounted(
    settings: dict[str, Any], as_user: bool
) -> None:
    bootstrap = write(
        settings["layers_directory"],
        "bootstrap",
        f"#!/bin/sh\nexec {sys.executable} /var/task/raw_runtime.py run\n",
    )
    write(settings["task_root"], "raw_runtime.py", Path(RAW_RUNTIME).read_text())  # noqa: ASYNC240
    custom = Function(name="f", handler="x", runtime="provided.al2023", timeout=20.0, **settings)
    async with serving(custom, driver=ProcessDriver(as_user=as_user)) as (service, _):
        refused = await service.invoke("f", b"pwd", request_id="id")
        os.chmod(bootstrap, 0o755)
        assert await run(service, "pwd; echo $0 $AWS_EXECUTION_ENV") == "/var/task\n/bin/sh\n"

    assert json.loads(refused.payload) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": "RequestId: id Error: fork/exec /opt/bootstrap: permission denied",
    }


@pytest.mark.parametrize("as_user", WAYS)
async def test_warmstart_s_own_runtime_imports_code_and_layers(
    settings: dict[str, Any], as_user: bool
) -> None:
    app = "from layer import name\ndef handler(event, context): return name, __file__"
    write(settings["task_root"], "app.py", app)
    write(settings["layers_directory"], "python/layer.py", "name = 'layer'")
    own = Function(name="f", handler="app.handler", timeout=20.0, **settings)
    async with serving(own, driver=ProcessDriver(as_user=as_user)) as (service, _):
        result = await service.invoke("f", b"{}")

    assert json.loads(result.payload) == ["layer", "/var/task/app.py"]


@pytest.mark.parametrize("as_user", WAYS)
async def test_code_that_is_not_there_is_said(settings: dict[str, Any], as_user: bool) -> None:
    missing = function("run", **settings | {"task_root": "/nowhere"})
    async with serving(missing, driver=ProcessDriver(as_user=as_user)) as (service, _):
        result = await service.invoke("f", b"pwd", request_id="id")

    assert json.loads(result.payload) == {
        "errorType": "Runtime.InvalidWorkingDir",
        "errorMessage": "RequestId: id Error: chdir /var/task: no such file or directory",
    }


async def test_where_there_are_no_views_things_are_where_they_are(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Views, "find", lambda: None)
    async with serving(function("run", **settings)) as (service, _):
        assert await run(service, "pwd; echo $LAMBDA_TASK_ROOT") == (
            f"{settings['task_root']}\n{settings['task_root']}\n"
        )
        assert f"{settings['layers_directory']}/python:" in await run(service, "echo $PYTHONPATH")


@pytest.mark.skipif(not ROOT, reason="may not mount")
def test_views_are_made_while_other_threads_start_programs(settings: dict[str, Any]) -> None:
    # What they start has for a moment what we have open for writing.
    task_root, layers = settings["task_root"], settings["layers_directory"]
    made: list[bool] = []
    done = threading.Event()

    def enter_once() -> None:
        enter(task_root, layers, task_root, [])
        made.append(True)

    def make() -> None:
        for _ in range(200):
            thread = threading.Thread(target=enter_once)
            thread.start()
            thread.join()

    def start() -> None:
        while not done.is_set():
            subprocess.run(["/bin/true"], check=True, start_new_session=True)

    making = [threading.Thread(target=make) for _ in range(2)]
    starting = [threading.Thread(target=start) for _ in range(4)]
    for thread in making + starting:
        thread.start()
    for thread in making:
        thread.join()
    done.set()
    for thread in starting:
        thread.join()
    assert len(made) == 400
