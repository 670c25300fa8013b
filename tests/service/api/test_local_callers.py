"""What browsers send is refused where nobody signs; what programs send is not."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.service.api.serving import call, client, serving
from warmstart.service.api.application import Api, Application
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request
from warmstart.service.api.local_callers import LocalCallers
from warmstart.service.api.operations import Members, operation, operations_of
from warmstart.service.api.rest_json import RestJSON


class Functions:
    """Creates functions, in name."""

    @operation("CreateFunction")
    def create(self, parameters: Members) -> Members:
        return {"FunctionName": parameters["FunctionName"]}


APPLICATION = Application(
    Api(RestJSON("lambda"), operations_of(Functions())), verifier=LocalCallers()
)
MEMBERS = {"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}}


async def test_a_program_may_call_and_a_web_page_may_not() -> None:
    async with serving(APPLICATION) as port:
        created = await call(client("lambda", port).create_function, **MEMBERS)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions"
        async with httpx.AsyncClient() as browser:
            # Such a request needs no preflight: https://fetch.spec.whatwg.org/#simple-header
            headers = {"Origin": "https://example.com", "Content-Type": "text/plain"}
            response = await browser.post(url, content=json.dumps(MEMBERS), headers=headers)

    assert created["FunctionName"] == "f"
    assert response.status_code == 403
    assert response.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert "a web page's (https://example.com)" in response.json()["message"]


def verify(headers: dict[str, str]) -> None:
    LocalCallers().verify(Request("GET", "/2015-03-31/functions", "", headers, b""), "lambda")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9000",
        "[::1]:9000",
        "[fe80::1]",
        "192.168.1.2",
        "localhost:9000",
        "LOCALHOST",
        "lambda.us-east-1.localhost:9000",
        "host.docker.internal:9000",
        "warmstart:9000",
    ],
)
def test_a_name_that_is_not_public_is_this_machine_s(host: str) -> None:
    verify({"host": host})


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example.com:9000"},
        {"host": "localhost.example.com."},
        {"host": "127.0.0.1.example.com"},
        {"host": "127.0.0.1:9000", "origin": "null"},
        {"host": "127.0.0.1:9000", "origin": "http://127.0.0.1:3000"},
    ],
)
def test_what_a_web_page_can_bring_about_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ApiError, match="nobody has to sign"):
        verify(headers)
