"""Many asynchronous invocations at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from tests.service.whole.http import Connection


def enqueue(port: int, function: str, count: int, clients: int = 16) -> set[str]:
    """Send so many, with an `id` each; the ids of those that were acknowledged."""

    async def main() -> set[str]:
        acknowledged: set[str] = set()
        ids = iter(range(count))
        clients_ = (_client(port, function, ids, acknowledged) for _ in range(clients))
        await asyncio.gather(*clients_)
        return acknowledged

    return asyncio.run(main())


async def _client(port: int, function: str, ids: Iterator[int], acknowledged: set[str]) -> None:
    connection = Connection(port)
    path = f"/2015-03-31/functions/{function}/invocations"
    for number in ids:
        body = json.dumps({"id": str(number)}).encode()
        answer = await connection.send("POST", path, body, x_amz_invocation_type="Event")
        assert answer.status == 202, answer
        acknowledged.add(str(number))
    await connection.close()
