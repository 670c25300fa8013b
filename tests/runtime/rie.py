"""AWS's runtime interface emulator, taken out of the wheel of `aws-sam-cli`.

The binary is kept in the user's cache. Where it cannot be had, tests are skipped
with the reason, except in CI, where they fail.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.runtime.clients import FUNCTIONS, Client, environment

__all__ = ["RIE", "rie_path", "running_rie"]

_WHEEL = "aws-sam-cli==1.170.0"
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}


@cache
def rie_path() -> Path:
    """The binary; the test that asks is skipped if there is none."""
    machine = _MACHINES.get(platform.machine(), "")
    if not (sys.platform == "linux" and machine):
        pytest.skip("the runtime interface emulator runs on Linux alone")
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "warmstart-tests" / _WHEEL.replace("==", "-")
    path = folder / f"aws-lambda-rie-{machine}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _unpack(path)
        except (subprocess.CalledProcessError, OSError) as error:
            reason = f"{_WHEEL}, which has the emulator, cannot be downloaded: {error}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    return path


def _unpack(path: Path) -> None:
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", _WHEEL]
        subprocess.run([*command, "--dest", folder], check=True, capture_output=True, timeout=120)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(f"samcli/local/rapid/{path.name}")
    # Others may be at it too: the name has the whole file or none.
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(data)
    partial.chmod(0o755)
    partial.rename(path)


class RIE:
    """A running emulator. `invoke` is a client's call."""

    def __init__(self, port: int, http: httpx.Client, log: Path) -> None:
        self.port = port
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._http = http
        self._log = log

    def invoke(self, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return self._http.post(self._url, content=body, headers=headers)

    @property
    def log(self) -> str:
        """What the emulator and the runtime have written."""
        return self._log.read_bytes().decode()


@contextmanager
def running_rie(
    client: Client, handler: str, folder: Path, *options: str, **variables: str
) -> Iterator[RIE]:
    """The emulator, with `client` as its runtime. It starts that at the first invocation."""
    front, api = _free_ports()
    command = [
        str(rie_path()),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{front}"),
        *("--runtime-api-address", f"127.0.0.1:{api}"),
        *options,
        *client.command(handler),
    ]
    log = folder / f"rie-{client}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment(None, **variables),
            cwd=FUNCTIONS,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_listening(front, process)
        with httpx.Client(timeout=30) as http:
            yield RIE(front, http, log)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


def _wait_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise RuntimeError("the emulator did not start")
