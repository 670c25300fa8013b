"""A function whose INIT leaves behind what the test wants."""

# ruff: noqa: T201

from __future__ import annotations

import _thread
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

LEAVE = os.environ.get("LEAVE", "")
INIT = os.getpid()
told: list[str] = []
random.seed(1)
loop = asyncio.new_event_loop()
Path(tempfile.gettempdir(), "of-init").write_text("here")

opened = Path(__file__).open("rb")
opened.seek(7)
if LEAVE == "native thread":
    lock = _thread.allocate_lock()
    lock.acquire()
    _thread.start_new_thread(lock.acquire, ())
if LEAVE == "thread":
    threading.Thread(target=threading.Event().wait, name="waiting", daemon=True).start()
if LEAVE == "socket":
    listening = socket.create_server(("127.0.0.1", 0))
    connection = socket.create_connection(listening.getsockname())
if LEAVE == "epoll":
    import select

    poll = select.epoll()
if LEAVE == "hooks":
    import snapshot_restore_py

    def hook(name: str) -> None:
        """Say which hook runs where; fail if it is this one that should."""
        told.append(f"{name} {'template' if os.getpid() == INIT else 'copy'}")
        if name == os.environ.get("FAIL"):
            raise ValueError(f"{name} failed")

    for number in (1, 2):
        snapshot_restore_py.register_before_snapshot(hook, f"before {number}")
        snapshot_restore_py.register_after_restore(hook, f"after {number}")


def facts() -> dict[str, Any]:
    """What distinguishes an environment."""
    temporary = Path(tempfile.gettempdir())
    return {
        "pid": os.getpid(),
        "init": INIT,
        "session": os.getsid(0),
        "random": random.random(),
        "endpoint": os.environ["AWS_LAMBDA_RUNTIME_API"],
        "log_stream": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "temporary": str(temporary),
        "files": sorted(path.name for path in temporary.iterdir()),
        "offset": os.lseek(opened.fileno(), 1, os.SEEK_CUR),
        "group": Path("/proc/self/cgroup").read_text(),
    }


def handler(event: Any, context: Any) -> Any:
    """Do what the event says."""
    match event:
        case {"meet": port}:
            # At the same time as in another environment, on the loop that INIT left to both.
            Path(tempfile.gettempdir(), f"of-{os.getpid()}").touch()
            loop.run_until_complete(_meet(port))
            answered = loop.run_in_executor(None, os.getpid)
            assert loop.run_until_complete(answered) == os.getpid()
        case {"receive": True}:
            return connection.recv(1).decode()
        case {"die": True}:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            print(f"child {child.pid}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return facts() | {"told": told}


async def _meet(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.read()  # ends when all are there
    writer.close()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app with a lifespan, whose state INIT makes."""
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["started"] = os.getpid()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print(f"shutdown {os.getpid()}", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await _meet(int(scope["query_string"]))
    body = f"{scope['state']['started']} {os.getpid()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
