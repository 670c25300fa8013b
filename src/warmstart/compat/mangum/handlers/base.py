"""What the handler classes share."""

from __future__ import annotations

from typing import Any

from warmstart.compat.mangum.handlers.request import header_pairs, read_body, server_of
from warmstart.compat.mangum.types import LambdaConfig, LambdaContext, LambdaEvent, Scope

__all__ = ["Handler"]


class Handler:
    """One event with a body as most of them carry it."""

    def __init__(self, event: LambdaEvent, context: LambdaContext, config: LambdaConfig) -> None:
        self.event = event
        self.context = context
        self.config = config

    @property
    def body(self) -> bytes:
        encoded = bool(self.event.get("isBase64Encoded"))
        return read_body(self.event.get("body"), "body", is_base64=encoded)

    def _scope(
        self,
        *,
        method: str,
        path: str,
        query_string: bytes,
        headers: dict[str, Any],
        client: Any,
        pairs: list[list[bytes]] | None = None,
        scheme: str = "",
    ) -> Scope:
        """The scope. Of `headers` the host tells the server; `pairs` are theirs unless given."""
        if pairs is None:
            pairs = header_pairs(headers)
        return {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "headers": pairs,
            "path": path,
            "raw_path": None,
            "root_path": "",
            "scheme": scheme or headers.get("x-forwarded-proto", "https"),
            "query_string": query_string,
            "server": server_of(headers),
            "client": (client, 0),
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "aws.event": self.event,
            "aws.context": self.context,
        }
