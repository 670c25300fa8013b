"""A process to be killed: `enqueue <directory> <log> <count> <most>` or `drain <directory> <log>`.

Each delivery is a line of the log. `enqueue` prints the number of each event when it
is acknowledged, and delivers `most` of them before its function hangs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.service.asynchronous.played import Call, Functions, Mailbox, Settings, arn, drained
from warmstart.invoke import InvokeResult
from warmstart.service.asynchronous.invocations import AsyncInvocations


async def main(what: str, directory: str, log: str, count: int = 0, most: int = 1 << 60) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def deliver(call: Call) -> InvokeResult:
        if len(functions.calls) > most:
            await asyncio.Event().wait()
        os.write(file, call.payload + b"\n")
        return InvokeResult(call.request_id, b"null")

    functions = Functions({"f": deliver})
    engine = AsyncInvocations(Path(directory), functions, Settings(), Mailbox(), arn)
    async with engine:
        if what == "drain":
            await drained(engine)
            return
        numbers = iter(range(count))

        async def client() -> None:
            for number in numbers:
                await engine.enqueue("f", None, str(number).encode())
                os.write(1, b"%d\n" % number)

        await asyncio.gather(*(client() for _ in range(500)))
        os.write(1, b"all\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    what, directory, log, *numbers = sys.argv[1:]
    asyncio.run(main(what, directory, log, *map(int, numbers)))
