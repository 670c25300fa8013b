"""A function that tells what it is a copy of."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, T201

import os
import tempfile
import threading

INIT = os.getpid()
tempfile.gettempdir()
os.environ["OF_INIT"] = "kept"


def refuse():
    raise BlockingIOError(11, "Resource temporarily unavailable")


if "FORK_FAILS" in os.environ:
    os.fork = refuse  # root, as which tests may run, has no RLIMIT_NPROC
if "THREAD" in os.environ:
    threading.Thread(target=threading.Event().wait, name="left", daemon=True).start()


def handler(event, context):
    print("served")
    return {
        "init": INIT,
        "pid": os.getpid(),
        "session": os.getsid(0),
        "temporary": tempfile.gettempdir(),
        "variables": [os.environ.get(name) for name in ("OF_INIT", "OF_COPY")],
    }
