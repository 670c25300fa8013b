"""Expected: AWS's pages of Function URLs, and answers that AWS gave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from warmstart.events import prelude
from warmstart.events.http import HTTPRequest
from warmstart.gateways.function_url import Forbidden
from warmstart.gateways.function_urls import FunctionURLs, is_function_url
from warmstart.invoke import InvokeResult, TooManyRequests

ID = "a" * 32


@dataclass(frozen=True)
class Url:
    url_id: str = ID
    function: str = "f"
    qualifier: str | None = None
    auth_type: str = "NONE"
    invoke_mode: str = "BUFFERED"
    cors: dict[str, Any] | None = None


class Stream:
    """A streamed answer that is there already."""

    request_id = "r"
    content_type = prelude.CONTENT_TYPE
    streamed = True
    function_error = None
    executed_version = "$LATEST"
    log_tail = None

    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    async def aclose(self) -> None:
        pass


@dataclass
class Echo:
    """Answers with the event, and a CORS header of the function's own."""

    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def invoke(
        self, function: str, payload: bytes, *, qualifier: str | None = None, **_: Any
    ) -> InvokeResult:
        self.asked.append((function, qualifier))
        if function == "busy":
            raise TooManyRequests("Rate Exceeded.", "ReservedFunctionConcurrentInvocationLimit")
        headers = {"Access-Control-Allow-Origin": "own"}
        answer = {"statusCode": 200, "headers": headers, "body": payload.decode()}
        return InvokeResult("r", json.dumps(answer).encode())

    async def invoke_with_response_stream(
        self, function: str, payload: bytes, *, qualifier: str | None = None, **_: Any
    ) -> Stream:
        self.asked.append((function, qualifier))
        return Stream([b'{"statusCode": 201, "headers": {"x-a": "b"}}' + b"\0" * 8, b"1", b"2"])


def signed(request: HTTPRequest) -> dict[str, Any]:
    match dict(request.headers).get(b"authorization"):
        case None:
            raise Forbidden("AccessDeniedException", "Forbidden.")
        case b"bad":
            raise Forbidden("InvalidSignatureException", "The signature does not match.")
    return {"accountId": "123456789012", "userArn": "arn:aws:iam::123456789012:root"}


Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def client(echo: Echo) -> AsyncIterator[Client]:
    """A browser before one URL."""
    opened = []

    def open_client(**settings: Any) -> httpx.AsyncClient:
        urls = {ID: Url(**settings)}
        application: Any = FunctionURLs(urls.get, echo, authorize=signed, region="eu-west-1")
        opened.append(
            httpx.AsyncClient(
                transport=httpx.ASGITransport(application),
                base_url=f"http://{ID}.lambda-url.eu-west-1.localhost:9000",
            )
        )
        return opened[-1]

    yield open_client
    for each in opened:
        await each.aclose()


async def test_the_host_tells_the_function_and_its_qualifier(client: Client, echo: Echo) -> None:
    browser = client(function="g", qualifier="live")
    response = await browser.post("/a%20b?c=d", content=b"text", headers={"content-type": "x/y"})
    assert echo.asked == [("g", "live")]
    event = response.json()
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%20b", "c=d")
    assert event["requestContext"]["domainName"] == f"{ID}.lambda-url.eu-west-1.on.aws"
    assert event["requestContext"]["accountId"] == "anonymous"
    assert event["headers"]["host"] == f"{ID}.lambda-url.eu-west-1.localhost:9000"
    upper = await browser.get("/", headers={"host": f"{ID.upper()}.LAMBDA-URL.eu-west-1.on.aws"})
    assert upper.status_code == 200


async def test_a_url_that_is_not_there_is_forbidden(client: Client, echo: Echo) -> None:
    other = {"host": f"{'b' * 32}.lambda-url.eu-west-1.localhost:9000"}
    response = await client().get("/", headers=other)
    assert (response.status_code, response.text) == (403, '{"Message":null}')
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert response.headers["content-type"] == "application/json"
    assert echo.asked == []


async def test_a_throttled_function_is_429(client: Client) -> None:
    response = await client(function="busy").get("/")
    assert response.status_code == 429
    assert response.headers["x-amzn-errortype"] == "TooManyRequestsException"


async def test_a_streaming_url_streams(client: Client, echo: Echo) -> None:
    response = await client(invoke_mode="RESPONSE_STREAM", qualifier="1").get("/")
    assert (response.status_code, response.headers["x-a"], response.text) == (201, "b", "12")
    assert echo.asked == [("f", "1")]


async def test_only_those_who_sign_get_to_a_url_with_aws_iam(client: Client, echo: Echo) -> None:
    browser = client(auth_type="AWS_IAM")
    response = await browser.get("/")
    assert (response.status_code, response.json()) == (403, {"Message": "Forbidden."})
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"
    response = await browser.get("/", headers={"authorization": "bad"})
    assert (response.status_code, response.json()) == (
        403,
        {"message": "The signature does not match."},
    )
    assert response.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert echo.asked == []

    response = await browser.get("/", headers={"authorization": "good"})
    context = response.json()["requestContext"]
    assert context["accountId"] == "123456789012"
    assert context["authorizer"]["iam"]["userArn"] == "arn:aws:iam::123456789012:root"


CORS = {"AllowOrigins": ["https://a.com"], "AllowMethods": ["PUT"], "MaxAge": 5}
ASKING = {"origin": "https://a.com", "access-control-request-method": "PUT"}


@pytest.mark.parametrize("auth_type", ["NONE", "AWS_IAM"])
async def test_a_preflight_is_answered_without_the_function(
    client: Client, echo: Echo, auth_type: str
) -> None:
    response = await client(cors=CORS, auth_type=auth_type).options("/", headers=ASKING)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["x-amzn-requestid"]
    assert response.headers["access-control-allow-origin"] == "https://a.com"
    assert response.headers["access-control-allow-methods"] == "PUT"
    assert response.headers["access-control-max-age"] == "5"
    assert echo.asked == []


async def test_without_a_cors_configuration_the_function_answers_preflights(
    client: Client, echo: Echo
) -> None:
    response = await client().options("/", headers=ASKING)
    assert response.headers["access-control-allow-origin"] == "own"
    assert echo.asked == [("f", None)]


async def test_configured_headers_are_added_to_what_the_function_says(client: Client) -> None:
    # https://github.com/aws-powertools/powertools-lambda-python/issues/4163
    browser = client(cors=CORS)
    response = await browser.put("/", headers={"origin": "https://a.com"})
    values = response.headers.get_list("access-control-allow-origin")
    assert values == ["own", "https://a.com"]
    assert response.headers["vary"] == "Origin"
    response = await browser.put("/")
    assert response.headers.get_list("access-control-allow-origin") == ["own"]


async def test_errors_may_be_read_by_the_page_too(client: Client) -> None:
    response = await client(cors=CORS, function="busy").put("/", headers=ASKING)
    assert response.status_code == 429
    assert response.headers["access-control-allow-origin"] == "https://a.com"


@pytest.mark.parametrize(
    ("kind", "host", "expected"),
    [
        ("http", f"{ID}.lambda-url.us-east-1.localhost:9000", True),
        ("http", f"{ID}.LAMBDA-URL.us-east-1.on.aws", True),
        ("http", "127.0.0.1:9000", False),
        ("lifespan", f"{ID}.lambda-url.us-east-1.localhost:9000", False),
    ],
)
def test_function_urls_are_told_by_the_host(kind: str, host: str, expected: bool) -> None:
    scope = {"type": kind, "headers": [(b"host", host.encode())]}
    assert is_function_url(scope) is expected


def test_a_request_without_a_host_is_for_none() -> None:
    assert is_function_url({"type": "http", "headers": []}) is False
