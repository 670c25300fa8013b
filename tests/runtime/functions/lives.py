"""An app with a lifespan, in a handler that any runtime may call."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN002, ANN201, T201

import asyncio
import atexit
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time

from warmstart import ASGIHandler

atexit.register(print, "hook ran")


async def lifespan(receive, send):
    await receive()
    database = sqlite3.connect(":memory:")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.sleep(0)
    try:
        database.close()  # refuses, in any thread but its own
    except sqlite3.ProgrammingError:
        print("closed elsewhere", end=" ")
    if "FAILS" in os.environ:
        raise SystemExit("no way out")
    print("closed")
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["path"] == "/signal":
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.5)
        print("served")
    if scope["path"] == "/children":
        print(fork(signal.pause, ends=False), fork(time.sleep, 0, ends=True))
    if scope["path"] == "/own":
        signal.signal(signal.SIGTERM, own)
    if scope["path"] == "/other":
        signal.signal(signal.SIGUSR1, lambda signum, frame: print("other signal"))
        os.kill(os.getpid(), signal.SIGUSR1)
    if scope["path"] == "/long":
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": "é".encode() * 2_500_000})
        return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def fork(*call, ends):
    """The exit code of a child, which is told to end if it does not by itself."""
    target, *arguments = call
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    if not ends:
        child.terminate()
    child.join()
    return child.exitcode


def own(signum, frame):
    print("own handler")
    sys.stdout.flush()
    os._exit(7)


if "OWN_SIGTERM" in os.environ:
    signal.signal(signal.SIGTERM, own)
if "OWN_WAKEUP" in os.environ:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)


handler = ASGIHandler(app)


def on_a_thread(event, context):
    """Called by a runtime whose main thread does something else."""
    results = []
    thread = threading.Thread(target=lambda: results.append(handler(event, context)))
    thread.start()
    thread.join()
    return results[0]
