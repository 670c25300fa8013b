"""An internal extension that does nothing, so that Lambda tells us of the shutdown.

Lambda kills an environment without a word unless an extension is registered;
with one, the runtime gets SIGTERM and half a second
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
The extension subscribes to no events, but has to ask for one, and waits for good.
"""

from __future__ import annotations

from warmstart.runtime.connection import Connection, ProtocolError

__all__ = ["register"]

_NAME = "warmstart"


def register(address: str) -> Connection | None:
    """Register with the Extensions API at `address`; to be kept open for the process's life.

    Returns None where there is no such API: the environment then ends without notice.
    """
    connection = Connection(address)
    body = b'{"events": []}'
    head = (
        f"POST /2020-01-01/extension/register HTTP/1.1\r\nHost: {address}\r\n"
        f"Lambda-Extension-Name: {_NAME}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    try:
        answer = connection.request(head.encode() + body)
        identifier = answer and answer.headers.get("lambda-extension-identifier")
        if identifier:
            connection.send(
                f"GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: {address}\r\n"
                f"Lambda-Extension-Identifier: {identifier}\r\n\r\n".encode()
            )
            return connection
    except (OSError, ProtocolError):
        pass
    connection.close()
    return None
