"""Functions that see the end coming."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, T201

import atexit
import multiprocessing
import os
import signal
import sys
import time


def own_handler(signum, frame):
    print("own handler")
    if os.environ["SIGTERM_HANDLER"] == "exits":
        sys.exit(7)


if "SIGTERM_HANDLER" in os.environ:
    signal.signal(signal.SIGTERM, own_handler)
if "SIGTERM_AT_IMPORT" in os.environ:
    os.kill(os.getpid(), signal.SIGTERM)


def handler(event, context):
    return event


def with_hook(event, context):
    return event


if sys.argv[-1].endswith("with_hook"):
    atexit.register(print, "hook ran")


def until_told(event, context):
    """Runs until SIGTERM has come, which the runtime's handler has written into a pipe."""
    print("begun")
    while signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL or not armed():
        time.sleep(0.001)
    return "told"


def armed():
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def forever(event, context):
    print("begun")
    while True:
        time.sleep(0.001)


def forks(event, context):
    """The exit code of a child that gets SIGTERM from us at once, from itself, or not at all."""
    target, *arguments = {
        "parent": (signal.pause,),
        "itself": (signal.raise_signal, signal.SIGTERM),
        "nobody": (len, ()),
    }[event]
    child = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    child.start()
    if event == "parent":
        child.terminate()
    child.join()
    return child.exitcode
