"""Sending through `@connections`: signed, kept, retried, and its errors told apart."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from tests.adapter import samples
from tests.adapter.management_api import (
    ACCESS_KEY,
    SECRET_KEY,
    ManagementAPI,
    serve_management_api,
)
from warmstart.adapter.api_gateway import ENDPOINT_VARIABLE, APIGatewayConnections
from warmstart.adapter.connections import (
    BotocoreMissing,
    ConnectionGone,
    MessageTooLarge,
    SendFailed,
)
from warmstart.adapter.handler import ASGIHandler
from warmstart.adapter.sigv4 import Signer

ID = "AAAA12/34="


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for variable in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION", ENDPOINT_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.fixture
def api() -> Iterator[ManagementAPI]:
    with serve_management_api() as api:
        yield api


@pytest.fixture
def open_connections(
    api: ManagementAPI,  # which ends when its last connection has
) -> Iterator[Callable[..., APIGatewayConnections]]:
    made: list[APIGatewayConnections] = []

    def make(*arguments: Any, **options: Any) -> APIGatewayConnections:
        options.setdefault("retry_after", (0, 0))
        made.append(APIGatewayConnections(*arguments, **options))
        return made[-1]

    yield make
    for connections in made:
        connections.shutdown()


@pytest.fixture
def connections(open_connections: Callable[..., APIGatewayConnections]) -> APIGatewayConnections:
    """A sender of one thread, and so of one kept connection.

    With more, a message may find the thread before it not quite idle again, and take another.
    """
    sender = open_connections()
    sender._threads = ThreadPoolExecutor(1)
    return sender


def test_botos_client_is_let_in_by_the_judge(api: ManagementAPI) -> None:
    """What AWS's own client sends passes the check that our requests must pass."""
    # A session of its own: boto3's default one keeps the credentials it first saw.
    client = boto3.session.Session().client(
        "apigatewaymanagementapi", endpoint_url=api.endpoint, region_name="eu-west-1"
    )
    client.post_to_connection(ConnectionId=ID, Data=b"hello")
    client.close()

    (seen,) = api.seen
    assert seen.scope.endswith("/eu-west-1/execute-api/aws4_request")
    assert (seen.method, seen.path) == ("POST", "/prod/@connections/AAAA12%2F34%3D")


@pytest.mark.parametrize(
    ("data", "body"), [("grüße", "grüße".encode()), (b"\x00\xff", b"\x00\xff"), ("", b"")]
)
def test_a_message_is_a_signed_post(
    api: ManagementAPI, connections: APIGatewayConnections, data: str | bytes, body: bytes
) -> None:
    asyncio.run(connections.send(ID, data, api.endpoint))

    (seen,) = api.seen
    assert (seen.method, seen.path) == ("POST", "/prod/@connections/AAAA12%2F34%3D")
    assert seen.body == body
    assert seen.headers["content-length"] == str(len(body))
    assert seen.scope.endswith("/eu-west-1/execute-api/aws4_request")


def test_closing_is_a_signed_delete(api: ManagementAPI, connections: APIGatewayConnections) -> None:
    api.answers = [(204, b""), (410, b"")]
    asyncio.run(connections.close(ID, api.endpoint))
    asyncio.run(connections.close(ID, api.endpoint))  # gone already, so it is closed

    assert [(seen.method, seen.path) for seen in api.seen] == [
        ("DELETE", "/prod/@connections/AAAA12%2F34%3D")
    ] * 2


def test_asking_is_a_signed_get(api: ManagementAPI, connections: APIGatewayConnections) -> None:
    api.answers = [(200, b'{"connectedAt":"2026-11-24T09:00:00Z"}'), (410, b"")]

    found = asyncio.run(connections.get(ID, api.endpoint))
    assert found == {"connectedAt": "2026-11-24T09:00:00Z"}
    with pytest.raises(ConnectionGone):
        asyncio.run(connections.get(ID, api.endpoint))
    assert [seen.method for seen in api.seen] == ["GET", "GET"]


def test_the_roles_session_token_is_signed_too(
    monkeypatch: pytest.MonkeyPatch, api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the token")
    asyncio.run(connections.send(ID, "hello", api.endpoint))

    (seen,) = api.seen
    assert seen.headers["x-amz-security-token"] == "the token"
    assert "x-amz-security-token" in seen.headers["authorization"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(410, ConnectionGone), (413, MessageTooLarge), (403, SendFailed), (404, SendFailed)],
)
def test_each_refusal_has_its_error(
    api: ManagementAPI, connections: APIGatewayConnections, status: int, error: type[Exception]
) -> None:
    api.answers = [(status, b'{"message":"why"}')]

    with pytest.raises(error) as caught:
        asyncio.run(connections.send(ID, "hello", api.endpoint))
    if isinstance(caught.value, SendFailed):
        assert caught.value.status == status
        assert '{"message":"why"}' in str(caught.value)
        assert ("ManageConnections" in str(caught.value)) is (status == 403)


def test_a_refused_close_is_an_error(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    api.answers = [(403, b"")]

    with pytest.raises(SendFailed):
        asyncio.run(connections.close(ID, api.endpoint))


def test_what_is_too_long_is_not_even_sent(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    with pytest.raises(MessageTooLarge):
        asyncio.run(connections.send(ID, "x" * 131_073, api.endpoint))
    assert api.seen == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_throttling_and_faults_are_tried_again(
    api: ManagementAPI, connections: APIGatewayConnections, status: int
) -> None:
    api.answers = [(status, b""), (status, b""), (200, b"")]
    asyncio.run(connections.send(ID, "hello", api.endpoint))

    assert [seen.body for seen in api.seen] == [b"hello"] * 3


def test_but_not_for_ever(api: ManagementAPI, connections: APIGatewayConnections) -> None:
    api.answers = [(429, b"LimitExceededException")] * 3

    with pytest.raises(SendFailed, match="429: LimitExceeded"):
        asyncio.run(connections.send(ID, "hello", api.endpoint))
    assert len(api.seen) == 3


def test_messages_in_a_row_share_one_connection_across_loops(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    for text in ("one", "two", "three"):
        asyncio.run(connections.send(ID, text, api.endpoint))

    assert [seen.body for seen in api.seen] == [b"one", b"two", b"three"]
    assert api.connections == 1


def test_a_broadcast_has_several_under_way_and_reaches_everybody(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    async def broadcast() -> None:
        await asyncio.gather(
            *(connections.send(str(number), "hello", api.endpoint) for number in range(40))
        )

    asyncio.run(broadcast())
    assert len({seen.path for seen in api.seen}) == 40
    assert 1 <= api.connections <= 8


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    api.hang_up_after_answer = True
    asyncio.run(connections.send(ID, "one", api.endpoint))
    api.hung_up.acquire()  # its end is on the wire
    asyncio.run(connections.send(ID, "two", api.endpoint))

    assert [seen.body for seen in api.seen] == [b"one", b"two"]
    assert api.connections == 2


def test_a_kept_connection_that_ends_under_the_request_is_opened_again(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    asyncio.run(connections.send(ID, "one", api.endpoint))
    api.hang_up_on_requests = 1
    asyncio.run(connections.send(ID, "two", api.endpoint))

    assert [seen.body for seen in api.seen] == [b"one", b"two"]


def test_a_new_connection_that_ends_under_the_request_is_an_error(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    api.hang_up_on_requests = 2

    with pytest.raises(SendFailed, match="could not be reached") as caught:
        asyncio.run(connections.send(ID, "one", api.endpoint))
    assert caught.value.status is None
    assert not isinstance(caught.value, OSError)  # which would say that the client has left


def test_nobody_there_is_an_error(connections: APIGatewayConnections) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}/prod"
        with pytest.raises(SendFailed, match="could not be reached"):
            asyncio.run(connections.send(ID, "one", endpoint))


def test_https_speaks_tls(api: ManagementAPI, connections: APIGatewayConnections) -> None:
    with pytest.raises(SendFailed, match="SSL"):
        asyncio.run(connections.send(ID, "one", api.endpoint.replace("http:", "https:")))
    assert api.seen == []


@pytest.mark.parametrize("endpoint", ["", "abc.execute-api.eu-west-1.amazonaws.com/prod"])
def test_no_endpoint_is_an_error_that_says_what_one_looks_like(
    connections: APIGatewayConnections, endpoint: str
) -> None:
    with pytest.raises(SendFailed, match=r"https://abc\.execute-api.*AWS_ENDPOINT_URL"):
        asyncio.run(connections.send(ID, "one", endpoint))


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_a_configured_endpoint_takes_the_place_of_every_other(
    monkeypatch: pytest.MonkeyPatch,
    api: ManagementAPI,
    open_connections: Callable[..., APIGatewayConnections],
    by: str,
) -> None:
    if by == "variable":
        monkeypatch.setenv(ENDPOINT_VARIABLE, f"{api.endpoint}/")
        connections = open_connections()
    else:
        connections = open_connections(f"{api.endpoint}/")
    asyncio.run(connections.send(ID, "one", "https://elsewhere.example"))
    asyncio.run(connections.send(ID, "two"))

    assert {seen.path for seen in api.seen} == {"/prod/@connections/AAAA12%2F34%3D"}


def test_shutting_down_ends_the_threads_and_a_later_message_begins_anew(
    api: ManagementAPI, connections: APIGatewayConnections
) -> None:
    def ours() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name.startswith("warmstart-connections")]

    connections.shutdown()  # nothing to end yet
    asyncio.run(connections.send(ID, "one", api.endpoint))
    assert ours()
    connections.shutdown()
    assert not ours()
    api.hung_up.acquire()
    asyncio.run(connections.send(ID, "two", api.endpoint))
    assert api.connections == 2


# Signing.


@pytest.mark.parametrize(
    ("host", "given", "variables", "region"),
    [
        ("abc.execute-api.ap-south-1.amazonaws.com", "", {}, "ap-south-1"),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", "", {}, "cn-north-1"),
        ("vpce-1-abc.execute-api.us-east-2.vpce.amazonaws.com", "", {}, "us-east-2"),
        ("ws.example.com", "", {"AWS_REGION": "sa-east-1"}, "sa-east-1"),
        ("ws.example.com", "", {"AWS_DEFAULT_REGION": "sa-east-1"}, "sa-east-1"),
        ("ws.example.com", "us-west-2", {"AWS_REGION": "sa-east-1"}, "us-west-2"),
    ],
)
def test_the_region_is_that_of_the_api(
    monkeypatch: pytest.MonkeyPatch, host: str, given: str, variables: dict[str, str], region: str
) -> None:
    monkeypatch.delenv("AWS_REGION")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    headers = Signer(given).sign("POST", f"https://{host}/prod/@connections/id", b"")
    assert f"/{region}/execute-api/aws4_request" in headers["Authorization"]


def test_an_unknown_region_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")

    with pytest.raises(SendFailed, match="set AWS_REGION"):
        Signer("").sign("POST", "https://ws.example.com/@connections/id", b"")


def test_no_credentials_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(SendFailed, match="no AWS credentials"):
        Signer("eu-west-1").sign("POST", "https://ws.example.com/@connections/id", b"")


def test_a_missing_botocore_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, connections: APIGatewayConnections
) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)

    with pytest.raises(BotocoreMissing, match="pip install botocore"):
        asyncio.run(connections.send(ID, "one", "https://ws.example.com"))


# By default a handler sends this way.


def test_a_handlers_messages_go_out_signed(
    monkeypatch: pytest.MonkeyPatch, api: ManagementAPI
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        text = (await receive())["text"]
        await send({"type": "websocket.send", "text": f"echo {text}"})

    monkeypatch.setenv(ENDPOINT_VARIABLE, api.endpoint)
    handler = ASGIHandler(app, lifespan="off")
    handler(samples.connect(), None)
    handler(samples.message("hello"), None)
    assert handler.connections is handler.connections
    handler.stop_environment()

    assert [(seen.method, seen.body) for seen in api.seen] == [
        ("POST", b"echo hello"),
        ("DELETE", b""),  # the app has returned
    ]
