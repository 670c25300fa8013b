"""Where a mapping's cluster is, and how it is spoken to.

Secrets are asked for anew whenever reading begins, so that one that was changed is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warmstart.triggers.clients import Clients
from warmstart.triggers.kafka.access import access_settings, broker_settings, secrets_needed
from warmstart.triggers.pollers import NotRead

__all__ = ["Cluster"]


class Cluster:
    """The cluster of a mapping in the Lambda API's own members. `arn` is Amazon MSK's.

    Raises:
        NotRead: the mapping does not say where it is, or asks for what is not served, or
            no endpoint is known for what must be asked.
    """

    def __init__(self, mapping: Mapping[str, Any], clients: Clients) -> None:
        self.arn: str | None = mapping.get("EventSourceArn")
        self._brokers = None
        self._servers: list[str] = []
        if self.arn is None:
            self._servers = _servers(mapping)
        else:
            self._brokers = clients.get("kafka", self.arn.split(":")[3])
        needed = secrets_needed(mapping.get("SourceAccessConfigurations") or ())
        self._secrets = {
            kind: (arn, clients.get("secretsmanager", arn.split(":")[3]))
            for kind, arn in needed.items()
        }

    def settings(self) -> dict[str, Any]:
        """Librdkafka's settings of a client; it asks AWS's services for them, and waits.

        Raises:
            NotRead: they cannot be had; the message says which and why.
        """
        access = access_settings(
            {kind: _secret(kind, arn, client) for kind, (arn, client) in self._secrets.items()}
        )
        where = {"bootstrap.servers": ",".join(self._servers)}
        if self._brokers is not None:
            where = broker_settings(_brokers(self.arn, self._brokers), access)
        return {"client.id": "warmstart", **access, **where}


def _servers(mapping: Mapping[str, Any]) -> list[str]:
    endpoints = (mapping.get("SelfManagedEventSource") or {}).get("Endpoints") or {}
    found: list[str] = endpoints.get("KAFKA_BOOTSTRAP_SERVERS") or []
    if not found:
        raise NotRead("SelfManagedEventSource has no KAFKA_BOOTSTRAP_SERVERS")
    return found


def _secret(kind: str, arn: str, client: Any) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = client.get_secret_value(SecretId=arn)
    except (BotoCoreError, ClientError) as error:
        raise NotRead(f"The secret of {kind}, {arn}, cannot be had: {error}") from error
    content = found.get("SecretString")
    return str(content) if content is not None else found["SecretBinary"].decode(errors="replace")


def _brokers(arn: str | None, client: Any) -> Mapping[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found: Mapping[str, Any] = client.get_bootstrap_brokers(ClusterArn=arn)
    except (BotoCoreError, ClientError) as error:
        raise NotRead(f"The brokers of {arn} are not known: {error}") from error
    return found
