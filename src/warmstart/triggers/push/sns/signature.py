"""Whether a message is signed by SNS.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

The certificate is fetched only from where SNS publishes its own, through TLS, whose
certificates say that it is AWS's. That SNS has signed tells nothing of whose topic it
was: whoever believes a message must know its topic.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from typing import Any

from warmstart.triggers.push.push import Refused

__all__ = ["Fetch", "Signatures", "signed_text"]

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets what is at a URL. Raises `OSError` if it cannot."""

_CERTIFICATE = re.compile(
    r"https://sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?/SimpleNotificationService-[a-zA-Z0-9]+\.pem"
)
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_KEPT = 16


class Signatures:
    """Checks signatures; it remembers the certificates that it has fetched."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._certificates: dict[str, bytes] = {}

    async def verify(self, message: dict[str, Any]) -> None:
        """Check that SNS has signed the message.

        Raises:
            Refused: it has not, or that cannot be told now.
        """
        url = message.get("SigningCertURL")
        if not isinstance(url, str) or not _CERTIFICATE.fullmatch(url):
            raise Refused(403, "The message's certificate is not one of SNS.")
        try:
            signature = base64.b64decode(message.get("Signature", ""), validate=True)
        except (TypeError, binascii.Error):
            raise Refused(403, "The message's signature is not base64.") from None
        version = message.get("SignatureVersion")
        if version not in ("1", "2"):
            raise Refused(403, f"SNS has no signatures of the version {version!r}.")
        certificate = await self._certificate(url)
        _check(certificate, signature, signed_text(message).encode(), version)

    async def _certificate(self, url: str) -> bytes:
        certificate = self._certificates.get(url)
        if certificate is None:
            try:
                certificate = await self._fetch(url)
            except OSError as error:
                raise Refused(503, f"SNS's certificate cannot be fetched: {error}") from None
            if len(self._certificates) == _KEPT:
                self._certificates.pop(next(iter(self._certificates)))
            self._certificates[url] = certificate
        return certificate


def signed_text(message: dict[str, Any]) -> str:
    """What is signed: names and values, a line each, those that the message has."""
    names = _NOTIFICATION if message["Type"] == "Notification" else _CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)


def _check(certificate: bytes, signature: bytes, text: bytes, version: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import load_pem_x509_certificate

    try:
        key = load_pem_x509_certificate(certificate).public_key()
    except ValueError:
        raise Refused(503, "What is at SNS's address of a certificate is none.") from None
    if not isinstance(key, RSAPublicKey):
        raise Refused(403, "SNS signs with RSA keys.")
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - as SNS has it
    try:
        key.verify(signature, text, PKCS1v15(), algorithm)
    except InvalidSignature:
        raise Refused(403, "The message's signature is not SNS's.") from None
