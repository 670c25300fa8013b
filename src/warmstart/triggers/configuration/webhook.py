"""`Webhook`, for which SAM has no event type. Pure.

Type = "Webhook"
Path = "/github"
Secret = { Env = "GITHUB_SECRET" }
SignatureHeader = "X-Hub-Signature-256"
"""

from __future__ import annotations

from warmstart.triggers.configuration.triggers import Event, Gathered
from warmstart.triggers.push.webhooks import Secret, Webhook

__all__ = ["read_webhook"]


def read_webhook(event: Event, gathered: Gathered) -> None:
    """Add the webhook, unless it is disabled."""
    properties = event.properties
    properties.only("Enabled", "Path", "Secret", "SecretHeader", "SignatureHeader", "State")
    path = properties.text("Path")
    if not path.startswith("/"):
        raise properties.wrong(f"Path begins with a slash, and not as {path!r} does")
    secret = _secret(event)
    if event.is_enabled():
        gathered.webhooks.append(Webhook(path, event.target, secret))


def _secret(event: Event) -> Secret | None:
    properties = event.properties
    signature = properties.optional_text("SignatureHeader")
    header = properties.optional_text("SecretHeader")
    if "Secret" not in properties and signature is None and header is None:
        return None
    value = properties.secret("Secret")
    if (signature is None) is (header is None):
        raise properties.wrong("a Secret needs either SignatureHeader or SecretHeader")
    return Secret(value, signature or header or "", is_hmac=signature is not None)
