"""How a cluster lets its readers in: the secrets of a mapping as librdkafka's settings. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html
https://docs.aws.amazon.com/lambda/latest/dg/msk-cluster-auth.html
https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from warmstart.triggers.pollers import NotRead

__all__ = ["access_settings", "broker_settings", "secrets_needed"]

Secret = Mapping[str, str]

_MECHANISMS = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
}
_CERTIFICATE = "CLIENT_CERTIFICATE_TLS_AUTH"
_ROOT = "SERVER_ROOT_CA_CERTIFICATE"
_NETWORK = ("VPC_SUBNET", "VPC_SECURITY_GROUP")


def secrets_needed(configurations: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The secrets' ARNs that `SourceAccessConfigurations` name, by their types.

    Raises:
        NotRead: a type is not served, or there are two ways to be let in.
    """
    found = {
        each["Type"]: each.get("URI", "") for each in configurations if each["Type"] not in _NETWORK
    }
    served = {*_MECHANISMS, _CERTIFICATE, _ROOT}
    if unserved := sorted(found.keys() - served):
        raise NotRead(
            f"SourceAccessConfigurations: {', '.join(unserved)} is not served:"
            f" there are {', '.join(sorted(served))}"
        )
    if len(ways := sorted(found.keys() - {_ROOT})) > 1:
        raise NotRead(f"SourceAccessConfigurations: of {', '.join(ways)} there may be one")
    for kind, arn in found.items():
        if arn.split(":")[2:3] != ["secretsmanager"]:
            raise NotRead(f"{kind}: {arn!r} is not the ARN of a secret of Secrets Manager")
    return found


def access_settings(secrets: Mapping[str, str]) -> dict[str, str]:
    """The settings of a client, by the contents of secrets by their types.

    As on AWS, whoever gives a password is spoken to with TLS.

    Raises:
        NotRead: a secret has not what its type needs.
    """
    settings: dict[str, str] = {"security.protocol": "SSL"} if secrets else {}
    for kind, content in secrets.items():
        secret = _parsed(kind, content)

        def value(name: str, kind: str = kind, secret: Secret = secret) -> str:
            if not isinstance(secret.get(name), str):
                raise NotRead(f"The secret of {kind} has no {name}")
            return secret[name]

        settings |= _settings(kind, value, secret)
    return settings


def _settings(kind: str, value: Callable[[str], str], secret: Secret) -> dict[str, str]:
    if kind == _ROOT:
        return {"ssl.ca.pem": value("certificate")}
    if kind == _CERTIFICATE:
        settings = {
            "ssl.certificate.pem": value("certificate"),
            "ssl.key.pem": value("privateKey"),
        }
        if "privateKeyPassword" in secret:
            settings["ssl.key.password"] = value("privateKeyPassword")
        return settings
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": _MECHANISMS[kind],
        "sasl.username": value("username"),
        "sasl.password": value("password"),
    }


def broker_settings(brokers: Mapping[str, Any], access: Mapping[str, str]) -> dict[str, str]:
    """Where the brokers of an MSK cluster are for who is let in so, by GetBootstrapBrokers.

    Raises:
        NotRead: it has no brokers for that.
    """
    protocol = access.get("security.protocol")
    names = {"SASL_SSL": ("SaslScram",), "SSL": ("Tls",), None: ("", "Tls")}[protocol]
    for name in names:
        for where in ("", "Public"):
            servers = brokers.get(f"BootstrapBrokerString{where}{name}")
            if servers:
                secure = {"security.protocol": "SSL"} if name == "Tls" else {}
                return {"bootstrap.servers": servers, **secure}
    raise NotRead(f"The cluster has no brokers for {access.get('sasl.mechanism', protocol)}")


def _parsed(kind: str, content: str) -> Secret:
    """A secret's members. Keys in PEM stand in it on many lines, also in AWS's own examples."""
    try:
        secret = json.loads(content, strict=False)
    except (ValueError, RecursionError):
        secret = None
    if not isinstance(secret, dict):
        raise NotRead(f"The secret of {kind} is not a JSON object")
    return secret
