"""`warmstart dev` as a person runs it: a process, a terminal's lines, Ctrl-C."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.chain.serving import Response, request
from tests.cli.running import COMMAND, started

APP = """
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    print("a line of the app's own")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%s"})
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "dev", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def get(port: int, target: str = "/") -> Response:
    return request(port, "GET", target)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP % "old")
    return tmp_path


def test_it_serves_prints_a_line_for_each_request_and_ends_with_ctrl_c(folder: Path) -> None:
    with started(folder, "dev", "main:app") as running:
        assert get(running.port, "/some/path?query=1").body == b"old"
        line = running.wait_for(re.compile(r"\d\d:\d\d:\d\d  GET .*"))[0]
        assert re.search(r"/some/path +200 +\d+\.\d ms +(warm|COLD \+\d+ ms)", line)
        running.wait_for(re.compile(r"  \| a line of the app's own"))
        assert "\x1b[" not in running.printed

        assert running.interrupt() == 0
        assert "is shut down" in running.printed
        assert "Traceback" not in running.printed


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads children from /proc")
def test_ctrl_c_leaves_no_process_behind(folder: Path) -> None:
    with started(folder, "dev", "main:app") as running:
        get(running.port)
        tasks = Path(f"/proc/{running.process.pid}/task").glob("*/children")
        children = [int(pid) for task in tasks for pid in task.read_text().split()]
        assert children

        running.interrupt()

        for pid in children:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_changed_file_is_served_by_new_environments(folder: Path) -> None:
    with started(folder, "dev", "main:app") as running:
        assert get(running.port).body == b"old"
        (folder / "main.py").write_text(APP % "new")
        running.wait_for(re.compile(r"Reloading: main\.py changed"))
        deadline = time.monotonic() + 20
        while get(running.port).body != b"new":
            assert time.monotonic() < deadline
        assert get(running.port).body == b"new"


def test_no_request_is_lost_while_files_change_under_load(folder: Path) -> None:
    with started(folder, "dev", "main:app") as running:
        answers: set[tuple[int, bytes]] = set()
        ended = threading.Event()

        def client() -> None:
            while not ended.is_set():
                answer = get(running.port)
                answers.add((answer.status, answer.body))

        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        versions = [f"version {number}" for number in range(4)]
        for version in versions:
            (folder / "main.py").write_text(APP % version)
            deadline = time.monotonic() + 20
            while (200, version.encode()) not in answers:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        ended.set()
        for thread in clients:
            thread.join(30)

        bodies = {b"old", *(version.encode() for version in versions)}
        assert answers <= {(200, body) for body in bodies}


def test_a_broken_change_is_told_and_a_mended_one_served(folder: Path) -> None:
    with started(folder, "dev", "main:app") as running:
        (folder / "main.py").write_text("raise RuntimeError('halfway through an edit')")
        running.wait_for(re.compile(r"main:app raised .*RuntimeError: halfway through an edit"))
        assert get(running.port).status == 502
        (folder / "main.py").write_text(APP % "mended")
        deadline = time.monotonic() + 20
        while get(running.port).body != b"mended":
            assert time.monotonic() < deadline


def test_the_app_sees_the_env_file_and_nothing_else_of_the_shell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "kept")
    (folder / "vars.env").write_text("GREETING='hello there'\n# a comment\nEMPTY=\n")
    (folder / "plain.py").write_text(
        "import os\n"
        "def handler(event, context):\n"
        "    names = ('GREETING', 'EMPTY', 'SECRET_OF_THE_SHELL')\n"
        "    return {'statusCode': 200, 'body': repr([os.environ.get(n) for n in names])}\n"
    )
    with started(
        folder, "dev", "plain:handler", "--env-file", "vars.env", "--no-reload"
    ) as running:
        assert get(running.port).body == b"['hello there', '', None]"


def test_stream_is_as_strict_as_aws(folder: Path) -> None:
    (folder / "plain.py").write_text("def handler(event, context): return {'statusCode': 201}\n")
    with started(folder, "dev", "plain:handler", "--stream") as running:
        answer = get(running.port)
        assert (answer.status, answer.body) == (200, b'{"statusCode": 201}')
    with started(folder, "dev", "plain:handler") as running:
        assert get(running.port).status == 201


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        ("nowhere:app", "nowhere:app cannot be loaded: Unable to import module 'nowhere'"),
        ("main:nothing", "main:nothing cannot be loaded: Handler 'nothing' missing on module"),
        ("main", "'main' does not name an app. Write module:attr"),
        ("main:", "'main:' does not name an app"),
        ("main:number", "main:number cannot be loaded: Handler 'number' on module 'main' is not"),
    ],
)
def test_a_wrong_app_is_one_clear_sentence(folder: Path, app: str, sentence: str) -> None:
    (folder / "main.py").write_text(APP % "" + "\nnumber = 1\n")
    ended = run(folder, app, "--port", "0")

    assert ended.returncode == 2
    assert sentence in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_the_apps_own_error_shows_its_own_traceback_and_no_more(folder: Path) -> None:
    (folder / "main.py").write_text(
        "def setup():\n    raise LookupError('no database')\n\nsetup()\n"
    )
    ended = run(folder, "main:app", "--port", "0")

    assert ended.returncode == 2
    files = re.findall(r'File "(.*?)"', ended.stdout)
    assert files == [str(folder / "main.py")] * 2
    assert ended.stdout.strip().endswith("LookupError: no database")


def test_a_port_in_use_is_one_clear_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(folder, "main:app", "--port", str(port))

    assert ended.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use." in ended.stderr
