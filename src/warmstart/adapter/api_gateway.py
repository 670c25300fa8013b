"""`@connections` of API Gateway, over HTTPS, each request signed (SigV4, `execute-api`).

botocore signs; its client would take twice as long to load and is not needed.
Requests run in threads, so that the app's other tasks go on and a broadcast has
several under way. Each thread keeps its connection: a TLS handshake costs more
than all the rest. The environment may have been frozen since the last request,
so a kept connection is looked at before it is used again.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import json
import os
import selectors
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from warmstart.adapter.connections import (
    ConnectionGone,
    MessageTooLarge,
    SendFailed,
    check_size,
)
from warmstart.adapter.sigv4 import Signer

__all__ = ["ENDPOINT_VARIABLE", "APIGatewayConnections"]

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
"""The environment variable that AWS's SDKs, too, take this service's endpoint from."""

_THREADS = 8
_RETRIED = frozenset({429, 500, 502, 503, 504})


class APIGatewayConnections:
    """Sends through API Gateway.

    Args:
        endpoint: Takes the place of every connection's own endpoint. By default
            it is taken from `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`, if set.
        region: The region to sign for, where the endpoint's host does not tell.
            By default `AWS_REGION`.
        timeout: Seconds to wait for API Gateway.
        retry_after: Seconds to wait before each further attempt, when API
            Gateway throttles (429) or fails (5xx).
    """

    def __init__(
        self,
        endpoint: str = "",
        *,
        region: str = "",
        timeout: float = 10.0,
        retry_after: Sequence[float] = (0.1, 0.4, 1.6),
    ) -> None:
        self._endpoint = endpoint or os.environ.get(ENDPOINT_VARIABLE, "")
        self._timeout = timeout
        self._retry_after = retry_after
        self._signer = Signer(region)
        self._threads: ThreadPoolExecutor | None = None
        self._kept = threading.local()
        self._open: set[http.client.HTTPConnection] = set()

    async def send(self, connection_id: str, data: str | bytes, endpoint: str = "") -> None:
        """Send one message.

        Raises:
            ConnectionGone: the client has left.
            MessageTooLarge: the message has more than 128 KB.
            SendFailed: API Gateway refused it or could not be reached.
            BotocoreMissing: there is nothing to sign with.
        """
        body = check_size(data)
        status, answer = await self._call("POST", connection_id, endpoint, body)
        if status == 410:
            raise ConnectionGone(connection_id)
        if status == 413:
            raise MessageTooLarge(len(body))
        _require_success(status, answer)

    async def close(self, connection_id: str, endpoint: str = "") -> None:
        """Close the connection. One that is gone already is closed.

        Raises:
            SendFailed: API Gateway refused or could not be reached.
            BotocoreMissing: there is nothing to sign with.
        """
        status, answer = await self._call("DELETE", connection_id, endpoint)
        if status != 410:
            _require_success(status, answer)

    async def get(self, connection_id: str, endpoint: str = "") -> dict[str, Any]:
        """What API Gateway knows of the connection: `connectedAt`, `lastActiveAt`, `identity`.

        Raises:
            ConnectionGone: the client has left.
            SendFailed: API Gateway refused or could not be reached.
            BotocoreMissing: there is nothing to sign with.
        """
        status, answer = await self._call("GET", connection_id, endpoint)
        if status == 410:
            raise ConnectionGone(connection_id)
        _require_success(status, answer)
        found: dict[str, Any] = json.loads(answer)
        return found

    def shutdown(self) -> None:
        """End the threads and close their connections. A later `send` opens new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()
        self._kept = threading.local()
        while self._open:
            self._open.pop().close()

    async def _call(
        self, method: str, connection_id: str, endpoint: str, body: bytes = b""
    ) -> tuple[int, bytes]:
        endpoint = self._endpoint or endpoint
        if not endpoint.startswith(("https://", "http://")):
            raise SendFailed(
                f"{endpoint!r} is no endpoint. Pass that of the connection's API, as in "
                "https://abc.execute-api.eu-west-1.amazonaws.com/prod, "
                f"or set {ENDPOINT_VARIABLE}."
            )
        url = f"{endpoint.rstrip('/')}/@connections/{quote(connection_id, safe='')}"
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "warmstart-connections")
        attempt = functools.partial(
            asyncio.get_running_loop().run_in_executor,
            self._threads,
            self._request,
            method,
            url,
            body,
        )
        for pause in self._retry_after:
            status, answer = await attempt()
            if status not in _RETRIED:
                return status, answer
            await asyncio.sleep(pause)
        return await attempt()

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # loading the certificates takes a while

    # In a thread.

    def _request(self, method: str, url: str, body: bytes) -> tuple[int, bytes]:
        headers = self._signer.sign(method, url, body)
        parts = urlsplit(url)
        connection = self._connection(parts)
        ask = functools.partial(_ask, connection, method, parts.path, body, headers)
        try:
            if connection.sock is not None:
                try:
                    return ask()
                except ConnectionError:  # it had ended, and nothing showed it before
                    connection.close()
            return ask()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise SendFailed(f"{url} could not be reached: {error!r}") from error

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        """The kept connection of this thread; without a socket, if it has to be opened."""
        kept: dict[str, http.client.HTTPConnection] = self._kept.__dict__
        connection = kept.get(parts.netloc)
        if connection is None:
            if parts.scheme == "https":
                connection = http.client.HTTPSConnection(
                    parts.netloc, timeout=self._timeout, context=self._tls
                )
            else:
                connection = http.client.HTTPConnection(parts.netloc, timeout=self._timeout)
            kept[parts.netloc] = connection
            self._open.add(connection)
        elif connection.sock is not None and _has_input(connection.sock):
            connection.close()  # nothing was asked, so this is its end
        return connection


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
) -> tuple[int, bytes]:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def _has_input(sock: Any) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def _require_success(status: int, answer: bytes) -> None:
    if 200 <= status < 300:
        return
    text = answer.decode("utf-8", "replace")[:1000]
    hint = ""
    if status == 403:
        hint = (
            " Does the function's role allow execute-api:ManageConnections, and has the endpoint "
            "the stage in its path? (That of a custom domain has the API mapping's path instead.)"
        )
    raise SendFailed(f"@connections answered {status}: {text}{hint}", status)
