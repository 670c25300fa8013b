"""Signatures, made as AWS documents it with the tools of `cryptography`."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from warmstart.triggers.push.push import Refused
from warmstart.triggers.push.sns.signature import Signatures

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{}.pem"


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(KEY.public_key()).serial_number(1)
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=365))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Published:
    """SNS's certificate."""

    def __init__(self) -> None:
        self.fetched = 0
        self._certificate = certificate()

    async def __call__(self, url: str) -> bytes:
        self.fetched += 1
        return self._certificate


def signed(text: str, version: str, **members: str) -> dict[str, Any]:
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = KEY.sign(text.encode(), padding.PKCS1v15(), algorithm)
    return {
        **members,
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": URL.format("f3"),
    }


NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "id",
    "TopicArn": "topic",
    "Message": "Hello\nyou",
    "Timestamp": "now",
}


@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_sns_signs_is_taken(version: str) -> None:
    signatures = Signatures(Published())

    await signatures.verify(
        signed(
            "Message\nHello\nyou\nMessageId\nid\nTimestamp\nnow\nTopicArn\ntopic\nType\n"
            "Notification\n",
            version,
            **NOTIFICATION,
        )
    )
    await signatures.verify(
        signed(
            "Message\nHello\nyou\nMessageId\nid\nSubject\nHi\nTimestamp\nnow\nTopicArn\ntopic\n"
            "Type\nNotification\n",
            version,
            **NOTIFICATION,
            Subject="Hi",
        )
    )
    confirmation = {**NOTIFICATION, "Type": "SubscriptionConfirmation"}
    await signatures.verify(
        signed(
            "Message\nHello\nyou\nMessageId\nid\nSubscribeURL\nurl\nTimestamp\nnow\nToken\n"
            "token\nTopicArn\ntopic\nType\nSubscriptionConfirmation\n",
            version,
            **confirmation,
            SubscribeURL="url",
            Token="token",
        )
    )


@pytest.mark.parametrize("member", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn"])
async def test_what_was_changed_is_refused(member: str) -> None:
    message = signed(
        "Message\nHello\nyou\nMessageId\nid\nSubject\nHi\nTimestamp\nnow\nTopicArn\ntopic\n"
        "Type\nNotification\n",
        "2",
        **NOTIFICATION,
        Subject="Hi",
    )
    with pytest.raises(Refused, match="not SNS's") as raised:
        await Signatures(Published()).verify({**message, member: "other"})

    assert raised.value.status == 403


async def test_certificates_are_fetched_once_as_long_as_they_are_few() -> None:
    published = Published()
    signatures = Signatures(published)
    message = signed(
        "Message\nHello\nyou\nMessageId\nid\nTimestamp\nnow\nTopicArn\ntopic\nType\nNotification\n",
        "2",
        **NOTIFICATION,
    )
    for number in [*range(16), *range(16)]:
        await signatures.verify({**message, "SigningCertURL": URL.format(number)})
    assert published.fetched == 16
    await signatures.verify({**message, "SigningCertURL": URL.format(16)})
    await signatures.verify({**message, "SigningCertURL": URL.format(0)})
    assert published.fetched == 18
