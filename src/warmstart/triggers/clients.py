"""Clients of AWS's services, or of what stands in for them, to read event sources with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from warmstart.triggers.pollers import NotRead

__all__ = ["Clients"]

_VARIABLES = {
    "dynamodbstreams": "DYNAMODB_STREAMS",
    "kafka": "KAFKA",
    "kinesis": "KINESIS",
    "secretsmanager": "SECRETS_MANAGER",
    "sqs": "SQS",
}


class Clients:
    """botocore's clients, one for each service and region.

    `endpoints` are URLs by botocore's names of services. Nothing is read at a place that
    was not configured.
    """

    def __init__(self, endpoints: Mapping[str, str], *, read_timeout: float = 30) -> None:
        self._endpoints = endpoints
        self._read_timeout = read_timeout
        self._clients: dict[tuple[str, str], Any] = {}

    def get(self, service: str, region: str) -> Any:
        """Raises `NotRead` if no endpoint is known."""
        endpoint = self._endpoints.get(service)
        if endpoint is None:
            variable = f"AWS_ENDPOINT_URL_{_VARIABLES[service]}"
            raise NotRead(f"No endpoint is configured for {service}: set {variable}")
        if (service, region) not in self._clients:
            self._clients[service, region] = _connect(service, region, endpoint, self._read_timeout)
        return self._clients[service, region]


def _connect(service: str, region: str, endpoint: str, read_timeout: float) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    session = Session()
    if session.get_credentials() is None:
        session.set_credentials("test", "test")
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            connect_timeout=2,
            read_timeout=read_timeout,
            max_pool_connections=50,
            s3={"addressing_style": "path"},  # others than AWS seldom have a host for each bucket
            retries={"total_max_attempts": 1},  # the poller tries again, and says so
        ),
    )
