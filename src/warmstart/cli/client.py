"""The service's API, as the other commands use it: through botocore, like any client.

The endpoint may be any Lambda: this project's service, or AWS itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import botocore
import click
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    WaiterError,
)
from botocore.session import Session

__all__ = ["Endpoint", "with_endpoint"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

LONGEST = 900 + 30
"""Seconds to wait for an answer: an invocation may take 900."""


class Endpoint:
    """Where the service is, and clients for it."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        self._region = region

    def client(self, service: str) -> Any:
        """A botocore client; requests are signed if there are credentials to sign with."""
        session = Session()
        settings: dict[str, Any] = {"read_timeout": LONGEST, "retries": {"total_max_attempts": 1}}
        if session.get_credentials() is None:
            settings["signature_version"] = botocore.UNSIGNED
        return session.create_client(
            service,
            region_name=self._region,
            endpoint_url=self.url,
            config=Config(**settings),
        )

    def request(self, method: str, path: str) -> Any:
        """A request for what is no call of AWS's, signed like one of Lambda's; to be sent."""
        request = AWSRequest(method, self.url.rstrip("/") + path)
        credentials = Session().get_credentials()
        if credentials is not None:
            SigV4Auth(credentials, "lambda", self._region).add_auth(request)
        return request.prepare()


def with_endpoint(command: _Command) -> _Command:
    """Give a command the options that say where the service is, and an `Endpoint`.

    What the service refuses is the command's own error.
    """

    @click.option(
        "--endpoint-url",
        envvar=["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"],
        default="http://127.0.0.1:9000",
        show_default=True,
        help="The service.",
    )
    @click.option(
        "--region",
        envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
        default="us-east-1",
        show_default=True,
    )
    @wraps(command)
    def run(endpoint_url: str, region: str, **options: Any) -> Any:
        with _told(endpoint_url):
            return command(Endpoint(endpoint_url, region), **options)

    return run  # type: ignore[return-value]  # click takes any callable


@contextmanager
def _told(url: str) -> Iterator[None]:
    try:
        yield
    except EndpointConnectionError:
        raise click.ClickException(
            f"Nothing answers at {url}. Start the service with `warmstart serve`, or name another"
            " with --endpoint-url."
        ) from None
    except WaiterError as error:
        raise click.ClickException(_reason(error)) from None
    except ClientError as error:
        details = error.response["Error"]
        raise click.ClickException(f"{details['Code']}: {details['Message']}") from None
    except BotoCoreError as error:
        raise click.ClickException(str(error)) from None


def _reason(error: WaiterError) -> str:
    """Why a function did not become what was waited for."""
    found = error.last_response.get("Configuration", {})
    reason = found.get("StateReason") or found.get("LastUpdateStatusReason")
    return f"{found['FunctionName']}: {reason}" if reason else str(error)
