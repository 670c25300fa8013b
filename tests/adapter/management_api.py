"""A server that answers as `@connections` does, and lets no request in that is not well signed.

It checks signatures by itself, after AWS's description, with no help from botocore:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    scope: str


@dataclass
class ManagementAPI:
    """What the server saw, and the answers it still has to give; then it gives 200."""

    endpoint: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    connections: int = 0
    hang_up_after_answer: bool = False
    hang_up_on_requests: int = 0
    hung_up: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@contextmanager
def serve_management_api() -> Iterator[ManagementAPI]:
    api = ManagementAPI()

    class Handler(_Handler):
        state = api

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    api.endpoint = f"http://127.0.0.1:{server.server_port}/prod"
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds: a test that failed may have left its connection open
    state: ManagementAPI

    def setup(self) -> None:
        super().setup()
        self.state.connections += 1

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.state.hang_up_on_requests:
            self.state.hang_up_on_requests -= 1
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        scope = check_signature(self.command, self.path, headers, body)
        self.state.seen.append(Seen(self.command, self.path, headers, body, scope or ""))
        status, answer = 403, b'{"message":"The request signature does not match"}'
        if scope is not None:
            status, answer = self.state.answers.pop(0) if self.state.answers else (200, b"")
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = self.state.hang_up_after_answer

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - names of http.server's

    def finish(self) -> None:
        super().finish()
        self.connection.close()
        self.state.hung_up.release()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        pass


def check_signature(method: str, path: str, headers: dict[str, str], body: bytes) -> str | None:
    """The credential scope of a well signed request; None for any other."""
    algorithm, _, rest = headers.get("authorization", "").partition(" ")
    if algorithm != "AWS4-HMAC-SHA256":
        return None
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    key, _, scope = parts["Credential"].partition("/")
    signed = parts["SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/~-._"),  # once more: the path is encoded already
            "",
            *(f"{name}:{headers[name].strip()}" for name in signed),
            "",
            parts["SignedHeaders"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    to_sign = "\n".join(
        [algorithm, headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    )
    secret = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    expected = hmac.digest(secret, to_sign.encode(), "sha256").hex()
    good = key == ACCESS_KEY and hmac.compare_digest(parts["Signature"], expected)
    return scope if good and {"host", "x-amz-date"} <= set(signed) else None
