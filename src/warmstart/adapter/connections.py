"""Sending to the clients of a WebSocket API: `@connections`, and one in memory for tests.

Between events a connection is no socket of ours: API Gateway holds it, and
whoever knows its id and its API's endpoint may send to it, from any environment
and outside of any connection's own events. So a broadcast needs no state here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

__all__ = [
    "MAX_MESSAGE",
    "BotocoreMissing",
    "ConnectionGone",
    "Connections",
    "MemoryConnections",
    "MessageTooLarge",
    "SendFailed",
    "check_size",
]

MAX_MESSAGE = 128 * 1024
"""The longest message, in bytes, that a WebSocket API carries."""


class ConnectionGone(OSError):
    """The client has left (410 of `@connections`). ASGI wants `send` to raise an `OSError` then."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"The WebSocket connection {connection_id} is gone.")
        self.connection_id = connection_id


class MessageTooLarge(ValueError):
    """A message is longer than `MAX_MESSAGE`."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"A message of {size} bytes is too long: WebSocket APIs carry {MAX_MESSAGE} bytes. "
            "Send it in parts, or send a link to it."
        )


class SendFailed(RuntimeError):
    """`@connections` could not be reached, or refused. `status` is what it answered, if it did."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class BotocoreMissing(RuntimeError):
    """botocore is needed to sign requests, and is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Sending to a WebSocket connection needs botocore. AWS's managed runtimes have it; "
            "elsewhere add it to the package or image: pip install botocore."
        )


class Connections(Protocol):
    """Sends to connections, each known by its id and the `endpoint` of its API.

    The endpoint is the URL below which `@connections` is, as in
    `https://abc.execute-api.eu-west-1.amazonaws.com/prod`.
    """

    async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
        """Send one message.

        Raises:
            ConnectionGone: the client has left.
            MessageTooLarge: the message is longer than a WebSocket API carries.
        """
        ...

    async def close(self, connection_id: str, endpoint: str = "") -> None:
        """Close the connection. One that is gone already is closed."""
        ...


class MemoryConnections:
    """Keeps what is sent, for tests. `sent` has the messages of each connection, in order."""

    def __init__(self) -> None:
        self.sent: dict[str, list[str | bytes]] = defaultdict(list)
        self.gone: set[str] = set()

    async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
        if connection_id in self.gone:
            raise ConnectionGone(connection_id)
        check_size(data)
        self.sent[connection_id].append(data)

    async def close(self, connection_id: str, endpoint: str = "") -> None:
        self.gone.add(connection_id)


def check_size(data: str | bytes) -> bytes:
    """`data` as the bytes that travel.

    Raises:
        MessageTooLarge: there are too many.
    """
    encoded = data.encode() if isinstance(data, str) else bytes(data)
    if len(encoded) > MAX_MESSAGE:
        raise MessageTooLarge(len(encoded))
    return encoded
