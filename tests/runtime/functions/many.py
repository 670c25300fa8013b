"""Handlers for multi-concurrent mode. Barriers open only when that many are in at once."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN204, ASYNC110, PLW0603, T201

import asyncio
import contextvars
import logging
import os
import subprocess
import threading

COUNT = int(os.environ.get("COUNT", "1"))
imported_by = os.getpid()
threads = threading.Barrier(COUNT)
tasks = None
mine = contextvars.ContextVar("mine", default=None)


if "CHILD" in os.environ:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)


async def coroutine(event, context):
    global tasks
    if tasks is None:
        tasks = asyncio.Barrier(COUNT)
    before = os.environ.get("_X_AMZN_TRACE_ID")
    async with asyncio.timeout(15):
        await tasks.wait()
    logging.getLogger().warning("of %s", event)
    same = before == os.environ.get("_X_AMZN_TRACE_ID")
    return [event, context.aws_request_id, context.tenant_id, before if same else "mixed up"]


async def whose_loop(event, context):
    return type(asyncio.get_running_loop()).__module__


def function(event, context):
    threads.wait(15)
    logging.getLogger().warning("of %s", event)
    return [event, context.aws_request_id, context.tenant_id, os.environ.get("_X_AMZN_TRACE_ID")]


def process(event, context):
    if event == "die":
        os._exit(3)
    if event == "end child":
        os.kill(child.pid, 9)
    return [os.getpid(), imported_by, "_X_AMZN_TRACE_ID" in os.environ, os.environ["COUNT"]]


def stops_iteration(event, context):
    raise StopIteration


async def until_told(event, context):
    """Runs until SIGTERM comes, which the loop answers by giving up the other poll."""
    before = len(asyncio.all_tasks())
    print("begun")
    while len(asyncio.all_tasks()) >= before:  # the other poll is given up
        await asyncio.sleep(0)
    return "told"


class Native:
    def __init__(self):
        self.fail = bool(os.environ.get("FAIL_START"))

    def serve_invocation(self):
        raise NotImplementedError

    async def start(self):
        if self.fail:
            raise ValueError("cannot start")
        print("started")

    async def stop(self):
        print("stopped")

    async def serve(self, event, context, exchange):
        await getattr(self, event["do"])(event, exchange)

    async def respond(self, event, exchange):
        await exchange.respond(event)

    async def too_large(self, event, exchange):
        if not await exchange.respond("x" * 7_000_000):
            await exchange.respond("was too large")

    async def nothing(self, event, exchange):
        pass

    async def stream(self, event, exchange):
        await exchange.start_stream("text/plain", b"first ")
        await exchange.write(b"last")
        await exchange.finish()

    async def at_once(self, event, exchange):
        await exchange.start_stream("text/plain", b"all", final=True)

    async def fail_half_way(self, event, exchange):
        await exchange.start_stream("text/plain", b"half")
        raise ValueError("half way")

    async def fail_late(self, event, exchange):
        await exchange.respond("fine")
        raise ValueError("too late")

    async def wait_for_the_reader(self, event, exchange):
        await exchange.wait_disconnect()  # there is no stream yet, so this returns
        await exchange.start_stream("text/plain", b"begun")
        await exchange.wait_disconnect()
        await exchange.finish()
        print("the reader has gone")

    async def write_to_nobody(self, event, exchange):
        await exchange.start_stream("text/plain", b"begun")
        await exchange.wait_disconnect()
        try:
            await exchange.write(b"more")
        except OSError as error:
            print("refused:", error)

    async def fail_for_nobody(self, event, exchange):
        await exchange.start_stream("text/plain", b"begun")
        await exchange.wait_disconnect()
        raise ValueError("nobody reads this")

    async def flood(self, event, exchange):
        await exchange.start_stream("text/plain", b"begun")
        try:
            for _ in range(30):
                await exchange.write(bytes(1_000_000))
            await exchange.finish()
        except OSError as error:
            print("refused:", error)


native = Native()
