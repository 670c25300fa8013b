"""Many requests with little ado: raw connections, as many in flight as there are connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator


def enqueue(port: int, function: str, count: int, clients: int = 16) -> set[str]:
    """Send `count` asynchronous invocations; the ids of the events that were acknowledged."""

    async def main() -> set[str]:
        acknowledged: set[str] = set()
        ids = iter(range(count))
        await asyncio.gather(*(_client(port, function, ids, acknowledged) for _ in range(clients)))
        return acknowledged

    return asyncio.run(main())


async def _client(port: int, function: str, ids: Iterator[int], acknowledged: set[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in ids:
        body = json.dumps({"id": str(number)}).encode()
        writer.write(
            f"POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nhost: lambda\r\n"
            f"x-amz-invocation-type: Event\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 202 " in head.split(b"\r\n")[0], head
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.lower().splitlines()
                if line.startswith(b"content-length:")
            ),
            0,
        )
        await reader.readexactly(length)
        acknowledged.add(str(number))
    writer.close()
    await writer.wait_closed()
