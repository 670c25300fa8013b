"""What every sender promises, held to the one in memory, and its size limit."""

from __future__ import annotations

import asyncio

import pytest

from warmstart.adapter.connections import (
    MAX_MESSAGE,
    ConnectionGone,
    Connections,
    MemoryConnections,
    MessageTooLarge,
    check_size,
)


def test_what_is_sent_is_kept_in_order_for_each_connection() -> None:
    connections = MemoryConnections()

    async def drive(sender: Connections) -> None:
        await sender.send("a", "one")
        await sender.send("b", b"two", "https://endpoint")
        await sender.send("a", "three")

    asyncio.run(drive(connections))
    assert connections.sent == {"a": ["one", "three"], "b": [b"two"]}


def test_a_closed_connection_is_gone() -> None:
    connections = MemoryConnections()
    asyncio.run(connections.close("a"))

    with pytest.raises(ConnectionGone, match="connection a is gone") as caught:
        asyncio.run(connections.send("a", "one"))
    assert isinstance(caught.value, OSError)  # as ASGI 2.4 wants it
    assert caught.value.connection_id == "a"


@pytest.mark.parametrize("data", ["x" * MAX_MESSAGE, b"x" * MAX_MESSAGE, "é" * (MAX_MESSAGE // 2)])
def test_128_kilobytes_may_be_sent_and_no_more(data: str | bytes) -> None:
    assert len(check_size(data)) == MAX_MESSAGE == 131_072

    more: str | bytes = f"{data}x" if isinstance(data, str) else data + b"x"
    with pytest.raises(MessageTooLarge, match="131073 bytes is too long"):
        asyncio.run(MemoryConnections().send("a", more))
