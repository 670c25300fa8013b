"""Secrets are kept by moto, and a server of TLS that we did not write (OpenSSL's, in Python) says
who has come to it with librdkafka."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Consumer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.triggers.moto_server import client, endpoint
from tests.triggers.streams.test_poller import Told, Work, until
from warmstart.triggers.clients import Clients
from warmstart.triggers.kafka.access import access_settings, broker_settings, secrets_needed
from warmstart.triggers.kafka.cluster import Cluster
from warmstart.triggers.kafka.kind import kafka_pollers
from warmstart.triggers.pollers import NotRead, Pollers

__all__ = ["endpoint"]

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-a1b2c3"
PASSWORD = json.dumps({"username": "ada", "password": "x"})


# https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
@pytest.mark.parametrize(
    ("secrets", "settings"),
    [
        ({}, {}),
        (
            {"SASL_SCRAM_512_AUTH": PASSWORD},
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "ada",
                "sasl.password": "x",
            },
        ),
        (
            {"SERVER_ROOT_CA_CERTIFICATE": '{"certificate": "pem"}', "BASIC_AUTH": PASSWORD},
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "PLAIN",
                "sasl.username": "ada",
                "sasl.password": "x",
                "ssl.ca.pem": "pem",
            },
        ),
        (
            {"SERVER_ROOT_CA_CERTIFICATE": '{"certificate": "a\nb"}'},  # as AWS's own example
            {"security.protocol": "SSL", "ssl.ca.pem": "a\nb"},
        ),
        (
            {"CLIENT_CERTIFICATE_TLS_AUTH": '{"certificate": "c", "privateKey": "k"}'},
            {"security.protocol": "SSL", "ssl.certificate.pem": "c", "ssl.key.pem": "k"},
        ),
    ],
)
def test_secrets_become_settings(secrets: dict[str, str], settings: dict[str, str]) -> None:
    assert access_settings(secrets) == settings


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"username": "ada"}', "BASIC_AUTH has no password"),
        ('{"username": "ada", "password": 1}', "BASIC_AUTH has no password"),
        ("secret-word", "BASIC_AUTH is not a JSON object"),
        ('["secret-word"]', "BASIC_AUTH is not a JSON object"),
    ],
)
def test_a_secret_that_lacks_something_is_told_without_its_content(
    content: str, complaint: str
) -> None:
    with pytest.raises(NotRead, match=complaint) as refused:
        access_settings({"BASIC_AUTH": content})
    assert "secret-word" not in str(refused.value)


@pytest.mark.parametrize(
    ("configurations", "complaint"),
    [
        ([("IAM_AUTH", "")], "IAM_AUTH is not served"),
        ([("BASIC_AUTH", SECRET), ("SASL_SCRAM_256_AUTH", SECRET)], "there may be one"),
        ([("BASIC_AUTH", "name")], "'name' is not the ARN of a secret"),
    ],
)
def test_what_is_not_served_is_told(configurations: list[tuple[str, str]], complaint: str) -> None:
    with pytest.raises(NotRead, match=complaint):
        secrets_needed([{"Type": kind, "URI": uri} for kind, uri in configurations])


def test_networks_need_no_secret() -> None:
    given = [
        {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
        {"Type": "BASIC_AUTH", "URI": SECRET},
    ]
    assert secrets_needed(given) == {"BASIC_AUTH": SECRET}


# https://docs.aws.amazon.com/msk/1.0/apireference/clusters-clusterarn-bootstrap-brokers.html
@pytest.mark.parametrize(
    ("brokers", "access", "settings"),
    [
        ({"": "b:9092", "Tls": "b:9094"}, {}, {"bootstrap.servers": "b:9092"}),
        ({"Tls": "b:9094"}, {}, {"bootstrap.servers": "b:9094", "security.protocol": "SSL"}),
        (
            {"Tls": "b:9094", "SaslScram": "b:9096"},
            {"security.protocol": "SASL_SSL"},
            {"bootstrap.servers": "b:9096"},
        ),
        (
            {"PublicSaslScram": "b:9196"},
            {"security.protocol": "SASL_SSL"},
            {"bootstrap.servers": "b:9196"},
        ),
    ],
)
def test_the_brokers_are_those_for_who_is_let_in_so(
    brokers: dict[str, str], access: dict[str, str], settings: dict[str, str]
) -> None:
    found = {f"BootstrapBrokerString{name}": servers for name, servers in brokers.items()}
    assert broker_settings(found, access) == settings
    with pytest.raises(NotRead, match="no brokers"):
        broker_settings({"BootstrapBrokerStringSaslIam": "b:9098"}, access)


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign("authority", self.key, is_authority=True)

    def issue(self, name: str) -> tuple[str, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        return pem(self._sign(name, key, is_authority=False)), key

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        address = x509.IPAddress(ip_address("127.0.0.1"))
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        signed = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        use = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            x509.CertificateBuilder(issuer, own, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .add_extension(use, critical=True)
            .add_extension(signer, critical=False)
            .add_extension(signed, critical=False)
            .sign(self.key, hashes.SHA256())
        )


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey, password: str | None = None) -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


@contextmanager
def reader(settings: dict[str, Any]) -> Iterator[None]:
    """librdkafka, which connects to what it is told of."""
    logger = logging.getLogger(__name__)
    consumer = Consumer({**settings, "group.id": "g"}, logger=logger)
    try:
        consumer.subscribe(["orders"])
        yield
    finally:
        consumer.close()


async def test_who_reads_shows_the_certificate_of_the_secret_and_trusts_the_root(
    endpoint: str, tmp_path: Path
) -> None:
    authority = Authority()
    files = {}
    certificate, key = authority.issue("broker")
    for name, text in (("certificate", certificate), ("key", key_pem(key))):
        files[name] = tmp_path / name
        files[name].write_text(text)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=pem(authority.certificate))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(files["certificate"], files["key"])
    shown: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def welcome(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not shown.done():
            shown.set_result(writer.get_extra_info("peercert"))
        writer.close()

    certificate, key = authority.issue("reader-of-orders")
    mapping = mapping_with(
        endpoint,
        CLIENT_CERTIFICATE_TLS_AUTH={
            "certificate": certificate,
            "privateKey": key_pem(key, "word"),
            "privateKeyPassword": "word",
        },
        SERVER_ROOT_CA_CERTIFICATE={"certificate": pem(authority.certificate)},
    )
    async with await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=tls) as server:
        servers = ["{}:{}".format(*server.sockets[0].getsockname())]
        mapping["SelfManagedEventSource"]["Endpoints"]["KAFKA_BOOTSTRAP_SERVERS"] = servers
        settings = await asyncio.to_thread(Cluster(mapping, clients(endpoint)).settings)
        with reader(settings):
            peer = await shown

    assert ((("commonName", "reader-of-orders"),),) == peer["subject"]


def test_a_secret_that_cannot_be_had_is_told(endpoint: str) -> None:
    mapping = mapping_with(endpoint, BASIC_AUTH={})
    (configuration,) = mapping["SourceAccessConfigurations"]
    configuration["URI"] = SECRET

    with pytest.raises(NotRead, match=f"The secret of BASIC_AUTH, {SECRET}, cannot be had: "):
        Cluster(mapping, clients(endpoint)).settings()


async def test_why_a_cluster_is_not_read_is_the_mappings_last_result(endpoint: str) -> None:
    mapping = mapping_with(endpoint, BASIC_AUTH={"username": "ada"}) | {
        "UUID": "m",
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:work",
        "Topics": ["orders"],
        "StartingPosition": "LATEST",
        "BatchSize": 100,
    }
    results: dict[str, str] = {}
    kind = kafka_pollers(Work(), {"secretsmanager": endpoint}, Told(), results)
    async with Pollers({"kafka": kind}, results=results) as pollers:
        await pollers.start(mapping)
        await until(lambda: "m" in results)
    assert results["m"] == "PROBLEM: The secret of BASIC_AUTH has no password"


def test_a_cluster_of_msk_whose_brokers_are_not_known_is_told(endpoint: str) -> None:
    arn = "arn:aws:kafka:us-east-1:123456789012:cluster/orders/1"
    with pytest.raises(NotRead, match=f"The brokers of {arn} are not known: "):
        Cluster({"EventSourceArn": arn}, clients(endpoint)).settings()


def clients(endpoint: str) -> Clients:
    return Clients({"secretsmanager": endpoint, "kafka": endpoint})


def mapping_with(endpoint: str, **secrets: dict[str, str]) -> dict[str, Any]:
    """A mapping whose secrets are kept."""
    secretsmanager = client(endpoint, "secretsmanager")
    configurations = []
    for kind, content in secrets.items():
        name, text = f"secret-{uuid4()}", json.dumps(content)
        arn = secretsmanager.create_secret(Name=name, SecretString=text)["ARN"]
        configurations.append({"Type": kind, "URI": arn})
    return {
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:9"]}},
        "SourceAccessConfigurations": configurations,
    }
