"""Mixed load on the service, for minutes, while its environments are killed at random.

    python -m tests.service.whole.soak [MINUTES] [--seed N]

Each caller checks that its answer is its own: the id it sent, from a version that was
current at some time while it waited. A caller whose environment was killed must be told
so. At the end every acknowledged event must have been delivered, and the service must
have given back its processes, its file descriptors and its memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from botocore.eventstream import EventStreamBuffer

from tests.cli.running import started
from tests.service.whole.clients import Aws, archive
from tests.service.whole.http import Answer, Connection
from tests.service.whole.process import Usage, children, usage
from tests.service.whole.recorder import NOTES, Recorder, recording

ECHO = """
GENERATION = {generation}
def handler(event, context):
    return {{"id": event["id"], "generation": GENERATION, "version": context.function_version}}
"""
FAILS = "def handler(event, context): raise ValueError(event['id'])"
STREAMS = """
def handler(event, context):
    for number in range(20):
        yield f"{event['id']}:{number};".encode()
"""
SLOW = """
import time
def handler(event, context):
    time.sleep(event["seconds"])
    return event["id"]
"""
INVOCATIONS = "/2015-03-31/functions/{}/invocations"
STREAMING = "/2021-11-15/functions/{}/response-streaming-invocations"
Caller = Callable[["Soak", Connection, str], Awaitable[None]]


class Wrong(Exception):
    """An answer that must not be."""


class Soak:
    """The load, what it knows to be true, and what came of it."""

    def __init__(self, aws: Aws, recorder: Recorder, until: float, dice: random.Random) -> None:
        self.aws = aws
        self.until = until
        self.dice = dice
        self.recorder = recorder
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.acknowledged: set[str] = set()
        self.generation = self.settled_generation = 0
        self.aliased = {"1"}
        self._numbers = iter(range(1 << 60))

    def deploy(self) -> None:
        self.aws.create("echo", ECHO.format(generation=0), Publish=True)
        self.aws.create("fails", FAILS)
        self.aws.create("streams", STREAMS)
        self.aws.create("slow", SLOW, Timeout=1)
        self.aws.create("notes", NOTES.format(port=self.recorder.port))
        self.aws.client("lambda").create_alias(
            FunctionName="echo", Name="live", FunctionVersion="1"
        )

    async def run(self, callers: dict[Caller, int]) -> None:
        """Have callers call, each in its turn, and disturb them, until the time is over."""
        await asyncio.gather(
            *(self._call(caller) for caller, count in callers.items() for _ in range(count)),
            self._update(),
            self._kill(),
        )

    async def _call(self, caller: Caller) -> None:
        connection = Connection(self.aws.running.port)
        while time.monotonic() < self.until:
            number = f"id-{next(self._numbers)}"
            try:
                async with asyncio.timeout(30):
                    await caller(self, connection, number)
            except Exception as error:  # noqa: BLE001 - whatever it is, it goes into the report
                self.wrong.append(f"{caller.__name__} {number}: {error!r}")
                connection = Connection(self.aws.running.port)
        await connection.close()

    async def _update(self) -> None:
        """New code, a new version, and the alias moved to it, again and again."""
        api = self.aws.client("lambda")
        while time.monotonic() < self.until:
            self.generation += 1
            code = archive(app=ECHO.format(generation=self.generation))
            await asyncio.to_thread(api.update_function_code, FunctionName="echo", ZipFile=code)
            await asyncio.to_thread(self.aws.wait, "function_updated_v2", FunctionName="echo")
            self.settled_generation = self.generation
            published = await asyncio.to_thread(api.publish_version, FunctionName="echo")
            version = published["Version"]
            await asyncio.to_thread(
                self.aws.wait, "published_version_active", FunctionName="echo", Qualifier=version
            )
            self.aliased.add(version)
            await asyncio.to_thread(
                api.update_alias, FunctionName="echo", Name="live", FunctionVersion=version
            )
            self.aliased = {version}
            self.outcomes["updates"] += 1
            await asyncio.sleep(self.dice.uniform(0, 2))

    async def _kill(self) -> None:
        """Kill an environment every now and then, whatever it does."""
        while time.monotonic() < self.until:
            await asyncio.sleep(self.dice.uniform(0.02, 0.4))
            if found := children(self.aws.running.process.pid):
                with_luck = self.dice.choice(found)
                try:
                    os.kill(with_luck, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.outcomes["kills"] += 1

    def killed(self, answer: Answer, payload: bytes) -> bool:
        """Whether the caller is told, correctly, that its environment was killed."""
        error = json.loads(payload)
        if not isinstance(error, dict) or error.get("errorType") != "Runtime.ExitError":
            return False
        message = f"RequestId: {answer.request_id} Error: Runtime exited with error: signal: killed"
        if error["errorMessage"] != message:
            raise Wrong(f"{error} to request {answer.request_id}")
        self.outcomes["told that it was killed"] += 1
        return True


async def echo(soak: Soak, connection: Connection, number: str) -> None:
    oldest = soak.settled_generation
    answer = await _invoke(soak, connection, "echo", {"id": number})
    if answer is not None:
        result = json.loads(answer.body)
        current = oldest <= result["generation"] <= soak.generation
        if result["id"] != number or result["version"] != "$LATEST" or not current:
            raise Wrong(f"{result}, between {oldest} and {soak.generation}")
        soak.outcomes["answers"] += 1


async def aliased(soak: Soak, connection: Connection, number: str) -> None:
    before = soak.aliased
    answer = await _invoke(soak, connection, "echo", {"id": number}, "?Qualifier=live")
    if answer is not None:
        result = json.loads(answer.body)
        if result["id"] != number or result["version"] not in before | soak.aliased:
            raise Wrong(f"{result}, of {before | soak.aliased}")
        soak.outcomes["answers of an alias"] += 1


async def fails(soak: Soak, connection: Connection, number: str) -> None:
    answer = await _invoke(soak, connection, "fails", {"id": number})
    if answer is not None:
        if json.loads(answer.body)["errorMessage"] != number:
            raise Wrong(answer.body.decode())
        soak.outcomes["errors"] += 1


async def times_out(soak: Soak, connection: Connection, number: str) -> None:
    seconds = soak.dice.choice([0, 0.2, 3])
    answer = await _invoke(soak, connection, "slow", {"id": number, "seconds": seconds})
    if answer is None:
        return
    result = json.loads(answer.body)
    if seconds < 1 and result == number:
        soak.outcomes["answers"] += 1
    elif "Task timed out after 1.00 seconds" in result.get("errorMessage", ""):
        if answer.request_id not in result["errorMessage"]:
            raise Wrong(f"{result} to request {answer.request_id}")
        # A machine that is busy may make a short one long.
        soak.outcomes["timeouts"] += 1
    else:
        raise Wrong(f"{result}")


async def streams(soak: Soak, connection: Connection, number: str) -> None:
    body = json.dumps({"id": number}).encode()
    answer = await connection.send("POST", STREAMING.format("streams"), body)
    if answer.status != 200:
        raise Wrong(f"{answer}")
    buffer = EventStreamBuffer()
    buffer.add_data(answer.body)
    events = [(each.headers[":event-type"], each.payload) for each in buffer]
    text = b"".join(payload for kind, payload in events if kind == "PayloadChunk").decode()
    kind, end = events[-1]
    if kind != "InvokeComplete":
        raise Wrong(f"ends with {kind}")
    whole = "".join(f"{number}:{each};" for each in range(20))
    details = json.loads(end or b"{}").get("ErrorDetails")
    if details is not None and whole.startswith(text) and soak.killed(answer, details.encode()):
        return
    if details is not None or text != whole:
        raise Wrong(f"{text!r}, {end!r}")
    soak.outcomes["streams"] += 1


async def later(soak: Soak, connection: Connection, number: str) -> None:
    body = json.dumps({"id": number}).encode()
    path = INVOCATIONS.format("notes")
    answer = await connection.send("POST", path, body, x_amz_invocation_type="Event")
    if answer.status != 202:
        raise Wrong(f"{answer}")
    soak.acknowledged.add(number)
    soak.outcomes["events"] += 1
    await asyncio.sleep(0.02)


async def _invoke(
    soak: Soak, connection: Connection, function: str, event: object, query: str = ""
) -> Answer | None:
    """The answer; `None` if the environment was killed, which is then told."""
    path = INVOCATIONS.format(function) + query
    answer = await connection.send("POST", path, json.dumps(event).encode())
    if answer.status != 200:
        raise Wrong(f"{answer}")
    if "x-amz-function-error" in answer.headers and soak.killed(answer, answer.body):
        return None
    return answer


CALLERS: dict[Caller, int] = {
    echo: 4,
    aliased: 2,
    fails: 1,
    times_out: 2,
    streams: 2,
    later: 2,
}


def soak(minutes: float, seed: int) -> list[str]:
    """Everything that was wrong."""
    print(f"{minutes:g} minutes, seed {seed}")  # noqa: T201
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        recording() as recorder,
        started(Path(folder), "serve", "--time-scale", "0.01") as running,
    ):
        until = time.monotonic() + minutes * 60
        load = Soak(Aws(running, ""), recorder, until, random.Random(seed))
        load.deploy()
        idle = usage(running.process.pid)  # with a connection of boto3's
        first, last = asyncio.run(_watch(load, minutes * 60 / 4))
        for outcome, count in load.outcomes.items():
            print(f"  {count:8,} {outcome}")  # noqa: T201
        print(f"  after a quarter: {first}\n  at the end:      {last}")  # noqa: T201
        try:
            recorder.wait_for(load.acknowledged, seconds=120)
        except AssertionError as lost:
            load.wrong.append(f"events: {lost}")
        return load.wrong + _left(load, idle, first)


async def _watch(load: Soak, quarter: float) -> tuple[Usage, Usage]:
    async def look() -> Usage:
        await asyncio.sleep(quarter)
        return usage(load.aws.running.process.pid)

    looking = asyncio.create_task(look())
    await load.run(CALLERS)
    return await looking, usage(load.aws.running.process.pid)


def _left(load: Soak, idle: Usage, first: Usage) -> list[str]:
    """What the service has not given back once its functions are deleted, and it is ended."""
    running = load.aws.running
    pid = running.process.pid
    for name in ("echo", "fails", "streams", "slow", "notes"):
        load.aws.client("lambda").delete_function(FunctionName=name)
    deadline = time.monotonic() + 30
    last = usage(pid)
    while last.processes or last.descriptors > idle.descriptors:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
        last = usage(pid)
    wrong = []
    print(f"  functions gone:  {last}")  # noqa: T201
    if last.processes:
        wrong.append(f"{last.processes} processes are left")
    if last.descriptors > idle.descriptors:
        wrong.append(f"{last.descriptors} file descriptors are open, {idle.descriptors} were")
    if last.megabytes > first.megabytes * 1.25 + 10:
        wrong.append(f"memory grew from {first.megabytes:.0f} to {last.megabytes:.0f} MB")
    if running.interrupt() != 0:
        wrong.append(f"it ended with {running.process.returncode}")
    wrong += [f"left: {path}" for path in Path(tempfile.gettempdir()).glob(f"warmstart-{pid}-*")]
    wrong += [f"printed: {line}" for line in running.printed.splitlines() if "Error" in line]
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    wrong = soak(arguments.minutes, arguments.seed)
    for each in wrong[:20]:
        print(f"WRONG {each}")  # noqa: T201
    print(f"{len(wrong)} wrong" if wrong else "Nothing was lost, wrong or left.")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
