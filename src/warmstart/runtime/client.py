"""The Runtime API's calls.

See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html.
"""

from __future__ import annotations

import sys

from warmstart import __version__
from warmstart.runtime.connection import Connection, Response
from warmstart.runtime.stream import stream_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Invocation", "RuntimeAPIError", "RuntimeClient"]

_BASE = "/2018-06-01/runtime"
_JSON = "application/json"


class RuntimeAPIError(Exception):
    """The Runtime API refused a call that nothing works without."""

    def __init__(self, call: str, response: Response) -> None:
        body = str(response.body[:1000], "utf-8", "replace")
        super().__init__(f"The Runtime API answered {call} with {response.status}: {body.strip()}")
        self.status = response.status


class Invocation:
    """What `next` answered. `deadline_ms` is Unix time; a part that was not sent is None."""

    __slots__ = (
        "arn",
        "body",
        "client_context",
        "cognito_identity",
        "content_type",
        "deadline_ms",
        "invocation_id",
        "request_id",
        "tenant_id",
        "trace_id",
    )

    def __init__(self, response: Response) -> None:
        get = response.headers.get
        self.request_id = get("lambda-runtime-aws-request-id", "")
        self.deadline_ms = int(get("lambda-runtime-deadline-ms") or 0)
        self.arn = get("lambda-runtime-invoked-function-arn")
        self.trace_id = get("lambda-runtime-trace-id")
        self.client_context = get("lambda-runtime-client-context")
        self.cognito_identity = get("lambda-runtime-cognito-identity")
        self.tenant_id = get("lambda-runtime-aws-tenant-id")
        self.invocation_id = get("lambda-runtime-invocation-id")
        self.content_type = get("content-type")
        self.body = response.body


class RuntimeClient:
    """The Runtime API at `address`, over one connection."""

    def __init__(self, address: str) -> None:
        self.connection = Connection(address)
        version = ".".join(map(str, sys.version_info[:3]))
        self._common = (
            f"Host: {address}\r\nUser-Agent: warmstart/{__version__} python/{version}\r\n"
        )
        self._next = f"GET {_BASE}/invocation/next HTTP/1.1\r\n{self._common}\r\n".encode()

    def next(self, wait: Callable[[int], bool] | None = None) -> Invocation | None:
        """Ask for the next invocation and wait for it, for hours if need be.

        `wait` may end the waiting, as `Connection.request` tells; then None is returned.

        Raises:
            RuntimeAPIError: the service will not give this process any work.
            OSError, ProtocolError: the service cannot be talked to.
        """
        response = self.connection.request(self._next, wait)
        if response is None:
            return None
        if response.status != 200:
            raise RuntimeAPIError("next", response)
        return Invocation(response)

    def respond(self, invocation: Invocation, body: bytes, content_type: str = _JSON) -> Response:
        """Post the whole response. The answer's status says what became of it."""
        head = self._head(invocation, "response")
        return self._post(f"{head}Content-Type: {content_type}\r\n", body)

    def error(
        self, invocation: Invocation, body: bytes, error_type: str, xray_cause: str
    ) -> Response:
        """Post the invocation's error. `xray_cause` is JSON, or empty."""
        head = self._head(invocation, "error")
        head += f"Content-Type: {_JSON}\r\nLambda-Runtime-Function-Error-Type: {error_type}\r\n"
        if xray_cause:
            head += f"Lambda-Runtime-Function-XRay-Error-Cause: {xray_cause}\r\n"
        return self._post(head, body)

    def stream_request(self, invocation: Invocation, content_type: str) -> bytes:
        """The head of a streamed response, for the caller to send on `connection`."""
        return f"{self._head(invocation, 'response')}{stream_head(content_type)}\r\n".encode()

    def init_error(self, body: bytes, error_type: str) -> Response:
        """Report that INIT failed. The process is expected to exit."""
        return self._report("init/error", body, error_type)

    def restore_next(self) -> None:
        """Say that the environment may be snapshotted; returns in a restored copy.

        Raises:
            RuntimeAPIError: the service makes no snapshots.
        """
        message = f"GET {_BASE}/restore/next HTTP/1.1\r\n{self._common}\r\n"
        response = self.connection.request(message.encode())
        assert response is not None
        if response.status != 200:
            raise RuntimeAPIError("restore/next", response)

    def restore_error(self, body: bytes, error_type: str) -> Response:
        """Report that an after-restore hook failed."""
        return self._report("restore/error", body, error_type)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _report(self, call: str, body: bytes, error_type: str) -> Response:
        head = f"POST {_BASE}/{call} HTTP/1.1\r\n{self._common}Content-Type: {_JSON}\r\n"
        return self._post(f"{head}Lambda-Runtime-Function-Error-Type: {error_type}\r\n", body)

    def _head(self, invocation: Invocation, call: str) -> str:
        head = f"POST {_BASE}/invocation/{invocation.request_id}/{call} HTTP/1.1\r\n{self._common}"
        if invocation.invocation_id is not None:
            # Echoed so that the service can tell an answer that reached the wrong invocation.
            head += f"Lambda-Runtime-Invocation-Id: {invocation.invocation_id}\r\n"
        return head

    def _post(self, head: str, body: bytes) -> Response:
        message = b"%bContent-Length: %d\r\n\r\n%b" % (head.encode(), len(body), body)
        response = self.connection.request(message)
        assert response is not None
        return response
