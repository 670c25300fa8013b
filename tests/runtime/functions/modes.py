"""Handlers of every kind."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ASYNC110, ASYNC240, ANN001, ANN002, ANN201, ANN202, ANN204, ANN205, T201

import asyncio
import os


async def coroutine(event, context):
    await asyncio.sleep(0)
    return {"async": event}


def generator(event, context):
    yield from event["pieces"]
    if event.get("fail"):
        raise ValueError("half way")


async def async_generator(event, context):
    for piece in event["pieces"]:
        await asyncio.sleep(0)
        yield piece
    if event.get("fail"):
        raise ValueError("half way")


class Native:
    """Answers by itself, as the adapter does."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()

    def start_environment(self):
        print("started")

    def stop_environment(self):
        self.loop.close()
        print("stopped")

    def serve_invocation(self, event, context, exchange):
        self.loop.run_until_complete(getattr(self, event["do"])(event, exchange))

    async def respond(self, event, exchange):
        await exchange.respond({"streaming": exchange.streaming})
        print("after the answer")

    async def too_large(self, event, exchange):
        if not await exchange.respond("x" * 7_000_000):
            await exchange.respond("was too large")

    async def nothing(self, event, exchange):
        pass

    async def stream(self, event, exchange):
        await exchange.start_stream("text/plain", b"first ")
        await exchange.write(b"")
        await exchange.write(b"last")
        await exchange.finish()
        print("after the answer")

    async def stream_after(self, event, exchange):
        while not os.path.exists(event["file"]):
            await asyncio.sleep(0)
        await self.stream(event, exchange)

    async def at_once(self, event, exchange):
        await exchange.start_stream("text/plain", b"all", final=True)

    async def empty(self, event, exchange):
        await exchange.start_stream("text/plain", b"", final=True)

    async def wait_without_a_stream(self, event, exchange):
        await exchange.wait_disconnect()
        await exchange.finish()
        await exchange.respond("waited for nothing")

    async def fail_first(self, event, exchange):
        raise ValueError("before anything")

    async def fail_late(self, event, exchange):
        await exchange.respond("fine")
        raise ValueError("too late")

    async def fail_half_way(self, event, exchange):
        await exchange.start_stream("text/plain", b"half")
        await exchange.fail(ValueError("half way"))

    async def raise_half_way(self, event, exchange):
        await exchange.start_stream("text/plain", b"half")
        raise ValueError("half way")

    async def wait_for_the_reader(self, event, exchange):
        await exchange.start_stream("text/plain", b"begun")
        await exchange.wait_disconnect()
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

    async def flood(self, event, exchange):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                if ticks == 10:
                    print("other tasks ran")
                await asyncio.sleep(0)

        ticking = asyncio.ensure_future(tick())
        await exchange.start_stream("text/plain", b"begun")
        for _ in range(event["chunks"]):
            await exchange.write(bytes(1_000_000))
        await exchange.finish()
        ticking.cancel()

    async def slow_verdict(self, event, exchange):
        async def note():
            print("other tasks ran")

        await exchange.start_stream("text/plain", b"all of it")
        noting = asyncio.ensure_future(note())
        await exchange.finish()
        await noting


native = Native()


def wrapped(*arguments):
    return coroutine(*arguments)


finished = []


async def leaves_a_task(event, context):
    async def finish():
        await asyncio.sleep(0)
        finished.append(1)

    count = len(finished)
    keep.append(asyncio.ensure_future(finish()))
    if count == 0 and len(keep) > 1:
        await keep[0]
    return len(finished)


keep = []


def huge(event, context):
    try:
        yield bytes(50_000_000)
    finally:
        print("closed")


def binary(event, context):
    yield {"statusCode": 200}
    yield b"\x00\xff"


def endless(event, context):
    try:
        while True:
            yield bytes(100_000)
    finally:
        print("closed")


async def async_endless(event, context):
    try:
        while True:
            yield bytes(100_000)
    finally:
        print("closed")


def iterator(event, context):
    return map(str, [1, 2])


class OneThing:
    left = 1

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.left:
            raise StopAsyncIteration
        self.left = 0
        return "1"


def async_iterator(event, context):
    return OneThing()


class Namespace:
    @staticmethod
    async def asgi(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError("no lifespan")
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello from " + scope["raw_path"]})
