"""`python -m warmstart.runtime`, and the other ways to start it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.runtime.clients import FUNCTIONS, SOURCE, WARMSTART, Running, environment
from tests.runtime.conftest import Start
from tests.runtime.fake_api import FakeRuntimeAPI
from warmstart.runtime.__main__ import _make_importable
from warmstart.runtime.plain_http import endpoint

WRAPPER = SOURCE / "warmstart" / "runtime" / "exec-wrapper"
WITHOUT_UVICORN = "import sys; sys.modules['uvicorn'] = None\n"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(None, **variables),
        cwd=FUNCTIONS,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_the_handler_may_be_named_by_the_environment(api: FakeRuntimeAPI, tmp_path: Path) -> None:
    command = WARMSTART.command("")[:-1]
    running = Running(command, tmp_path, environment(api.address, _HANDLER="behaviours.echo"))
    try:
        assert api.invoke(b"[1]").body == b"[1]"
    finally:
        running.stop()


def test_no_handler_is_one_clear_sentence() -> None:
    ended = run("-m", "warmstart.runtime", AWS_LAMBDA_RUNTIME_API="127.0.0.1:1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("Name the handler: ")


def test_no_service_is_one_clear_sentence() -> None:
    ended = run("-m", "warmstart.runtime", "sleepy.handler", AWS_LAMBDA_RUNTIME_API="127.0.0.1:1")
    assert ended.returncode == 1
    assert "There will be no more invocations." in ended.stdout
    assert ended.stderr == ""
    ended = run("-m", "warmstart.runtime", "nodot", AWS_LAMBDA_RUNTIME_API="127.0.0.1:1")
    assert ended.returncode == 1
    assert "The init/error could not be posted" in ended.stdout


def test_the_task_root_and_the_layers_are_importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, layers = tmp_path / "task", tmp_path / "layers"
    version = "{}.{}".format(*sys.version_info)
    packages = layers / "lib" / f"python{version}" / "site-packages"
    task.mkdir()
    packages.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", ["first"])
    for _ in range(2):
        _make_importable(str(task), str(layers))
    assert sys.path == [str(task), str(packages), str(layers), "first"]


def test_a_handler_in_the_task_root_is_found(
    api: FakeRuntimeAPI, start: Start, tmp_path: Path
) -> None:
    (tmp_path / "rooted.py").write_text("def handler(event, context): return 'rooted'\n")
    start("rooted.handler", LAMBDA_TASK_ROOT=str(tmp_path))
    assert api.invoke().body == b'"rooted"'


@pytest.mark.parametrize("options", [[], ["-X", "utf8"], ["-W", "error", "-B"]])
def test_the_exec_wrapper_puts_ours_in_the_place_of_lambdas_own(
    api: FakeRuntimeAPI, tmp_path: Path, options: list[str]
) -> None:
    variables = environment(api.address, _HANDLER="behaviours.handler")
    variables["PYTHONPATH"] = str(FUNCTIONS)  # warmstart is found by where the wrapper lies
    command = [str(WRAPPER), sys.executable, *options, "/var/runtime/bootstrap.py"]
    running = Running(command, tmp_path, variables)
    try:
        assert api.invoke(b'{"do": "echo"}').body == b'{"do": "echo"}'
    finally:
        running.stop()


# Outside Lambda.


@pytest.mark.parametrize("handler", ["modes:Namespace.asgi", "wrapped_app.handler"])
def test_outside_lambda_the_app_is_served_over_plain_http(tmp_path: Path, handler: str) -> None:
    running = Running(
        WARMSTART.command(handler), tmp_path, environment(None, HOST="127.0.0.1", PORT="0")
    )
    try:
        while "Uvicorn running on" not in running.stderr:
            assert running.process.poll() is None, running.stderr
        url = running.stderr.partition("Uvicorn running on ")[2].split()[0]
        assert httpx.get(f"{url}/there").text == "hello from /there"
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0
    finally:
        running.stop()


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        ("behaviours.handler", "behaviours.handler is a plain handler, which takes events."),
        ("behaviours.missing", "Runtime.HandlerNotFound: Handler 'missing' missing on module"),
    ],
)
def test_what_cannot_be_served_is_one_clear_sentence(handler: str, message: str) -> None:
    ended = run("-m", "warmstart.runtime", handler, HOST="127.0.0.1", PORT="0")
    assert ended.returncode == 1
    assert ended.stderr.startswith(message)


def test_no_uvicorn_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_UVICORN)
    path = f"{tmp_path}:{SOURCE}:{FUNCTIONS}"
    ended = run("-m", "warmstart.runtime", "modes:Namespace.asgi", PYTHONPATH=path)
    assert ended.returncode == 1
    assert ended.stderr.endswith("That takes uvicorn: pip install uvicorn\n")


def test_a_port_that_is_taken_ends_with_uvicorns_own_code() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("-m", "warmstart.runtime", "modes:Namespace.asgi", HOST="127.0.0.1", PORT=port)
    assert ended.returncode == 3
    assert "address already in use" in ended.stderr


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("0.0.0.0", 8080)),
        ({"PORT": "9000", "HOST": "127.0.0.1"}, ("127.0.0.1", 9000)),
        ({"PORT": "", "HOST": ""}, ("0.0.0.0", 8080)),
        ({"AWS_LAMBDA_HTTP_ENDPOINT": "127.0.0.1:81", "PORT": "9"}, ("127.0.0.1", 81)),
        ({"AWS_LAMBDA_HTTP_ENDPOINT": "http://localhost:81/"}, ("localhost", 81)),
        ({"AWS_LAMBDA_HTTP_ENDPOINT": "http://[::1]:81"}, ("::1", 81)),
        ({"AWS_LAMBDA_HTTP_ENDPOINT": "http://localhost"}, ("localhost", 80)),
    ],
)
def test_where_plain_http_is_served(variables: dict[str, str], expected: tuple[str, int]) -> None:
    assert endpoint(variables) == expected


def test_json_is_not_even_imported_for_a_simple_handler(
    api: FakeRuntimeAPI, tmp_path: Path
) -> None:
    """Nor are asyncio, http.client, logging, socket, typing or re."""
    variables = environment(api.address)
    measured = {name for name in variables if name.startswith("COVERAGE")}
    variables = {name: value for name, value in variables.items() if name not in measured}
    running = Running(WARMSTART.command("loaded.handler"), tmp_path, variables)
    try:
        loaded = json.loads(api.invoke().body)
    finally:
        running.stop()
    heavy = {"asyncio", "http.client", "json", "logging", "socket", "typing", "re", "inspect"}
    assert heavy.isdisjoint(loaded)
