"""Webhooks of anybody: `POST /_warmstart/push/webhooks/PATH` invokes a function.

The event is that of a Function URL (payload format 2.0), so that one handler may serve both.
The function's answer reaches nobody: the sender gets 202 once the event is kept. A webhook
with a secret proves itself: by an HMAC-SHA256 of its body in a header, in hexadecimal or
base64 and with or without `sha256=` before it, as GitHub, Shopify and many others send it,
or by the secret itself in a header, as GitLab does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from warmstart.events import http_v2
from warmstart.triggers.enqueuer import Enqueuer, Target
from warmstart.triggers.push.push import Push, Refused

__all__ = ["Secret", "Webhook", "Webhooks"]


@dataclass(frozen=True, slots=True)
class Secret:
    """What a sender knows; `header` has a signature by it or, if it is no HMAC, itself."""

    value: str
    header: str
    is_hmac: bool = True

    def admits(self, push: Push) -> bool:
        """Whether the sender knows it."""
        sent = (push.header(self.header.lower()) or "").strip()
        if not self.is_hmac:
            return hmac.compare_digest(sent.encode(), self.value.encode())
        signature = hmac.new(self.value.encode(), push.request.body, hashlib.sha256).digest()
        return any(hmac.compare_digest(each, signature) for each in _digests(sent))


@dataclass(frozen=True, slots=True)
class Webhook:
    """What invokes `target`: posts to `path`, which begins with a slash."""

    path: str
    target: Target
    secret: Secret | None = None


class Webhooks:
    """Takes the pushes of all webhooks. Several may have one path."""

    def __init__(self, webhooks: Sequence[Webhook], enqueuer: Enqueuer) -> None:
        self._webhooks = webhooks
        self._enqueuer = enqueuer

    async def receive(self, push: Push) -> int:
        """Invoke the functions of the path; 202."""
        path = push.request.path
        found = [webhook for webhook in self._webhooks if webhook.path == path]
        if not found:
            raise Refused(404, f"There is no webhook {path} here.")
        for webhook in found:
            if webhook.secret is None:
                push.must_be_trusted()
            elif not webhook.secret.admits(push):
                raise Refused(403, f"The header {webhook.secret.header} does not prove the secret.")
        for webhook in found:
            await self._invoke(webhook.target, push)
        return 202

    async def _invoke(self, target: Target, push: Push) -> None:
        request_id = str(uuid.uuid4())
        event = http_v2.build_event(
            push.request,
            request_id=request_id,
            time=time.time(),
            domain_name=f"{target.function.lower()}.lambda-url.us-east-1.on.aws",
        )
        payload = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        await self._enqueuer.enqueue(
            target.function, target.qualifier, payload, request_id=request_id
        )


def _digests(text: str) -> list[bytes]:
    """The bytes that a signature may stand for."""
    text = text.removeprefix("sha256=")
    found = []
    for decode in (bytes.fromhex, _base64):
        try:
            found.append(decode(text))
        except (ValueError, binascii.Error):
            continue
    return found


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
