"""The Runtime API's calls as bytes, and what `next` answers.

See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. Each call
goes out as one piece, so that it takes one write.
"""

from __future__ import annotations

import sys

from warmstart import __version__
from warmstart.runtime.stream import stream_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from warmstart.runtime.connection import Response

__all__ = ["Calls", "Invocation", "RuntimeAPIError"]

_BASE = "/2018-06-01/runtime"
_JSON = "Content-Type: application/json\r\n"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


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


class Calls:
    """The requests to the Runtime API at `address`."""

    def __init__(self, address: str) -> None:
        version = ".".join(map(str, sys.version_info[:3]))
        agent = f"warmstart/{__version__} python/{version}"
        # The end of each call's first line, and the headers that all calls have.
        self._common = f" HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {agent}\r\n"
        self.next = self._get("invocation/next")
        self.restore_next = self._get("restore/next")

    def response(self, invocation: Invocation, body: bytes, content_type: str) -> bytes:
        """The whole response to `invocation`."""
        head = self._answer(invocation, "response")
        return _with_body(f"{head}Content-Type: {content_type}\r\n", body)

    def stream(self, invocation: Invocation, content_type: str) -> bytes:
        """The head of a streamed response."""
        return f"{self._answer(invocation, 'response')}{stream_head(content_type)}\r\n".encode()

    def error(self, invocation: Invocation, body: bytes, error_type: str, xray_cause: str) -> bytes:
        """The error of `invocation`. `xray_cause` is JSON, or empty."""
        head = f"{self._answer(invocation, 'error')}{_JSON}{_ERROR_TYPE}: {error_type}\r\n"
        if xray_cause:
            head += f"Lambda-Runtime-Function-XRay-Error-Cause: {xray_cause}\r\n"
        return _with_body(head, body)

    def environment_error(self, call: str, body: bytes, error_type: str) -> bytes:
        """The environment's own error: `call` is `init/error` or `restore/error`."""
        head = f"POST {_BASE}/{call}{self._common}{_JSON}{_ERROR_TYPE}: {error_type}\r\n"
        return _with_body(head, body)

    def _answer(self, invocation: Invocation, call: str) -> str:
        head = f"POST {_BASE}/invocation/{invocation.request_id}/{call}{self._common}"
        if invocation.invocation_id is not None:
            # Echoed so that the service can tell an answer that reached the wrong invocation.
            head += f"Lambda-Runtime-Invocation-Id: {invocation.invocation_id}\r\n"
        return head

    def _get(self, call: str) -> bytes:
        return f"GET {_BASE}/{call}{self._common}\r\n".encode()


def _with_body(head: str, body: bytes) -> bytes:
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
