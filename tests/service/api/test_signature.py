"""Signatures that botocore makes, and what is wrong with others."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.service.api.serving import ACCESS_KEY, SECRET_KEY, call, client, serving
from warmstart.service.api.application import Api, Application
from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request
from warmstart.service.api.operations import Members, operation, operations_of
from warmstart.service.api.rest_json import RestJSON
from warmstart.service.api.signature import SignatureVerifier
from warmstart.service.clock import Clock

KEYS = {ACCESS_KEY: SECRET_KEY}
URL = "http://127.0.0.1:9000/2015-03-31/functions/a%3Ab/policy?Qualifier=%24LATEST&b=%20&a"
MISMATCH = "The request signature we calculated does not match the signature you provided."


def signed(
    url: str = URL,
    body: bytes = b"{}",
    *,
    headers: dict[str, str] | None = None,
    secret: str = SECRET_KEY,
    access_key: str = ACCESS_KEY,
    service: str = "lambda",
    kind: Any = SigV4Auth,
) -> Request:
    """A request as botocore signs it, now."""
    asked = AWSRequest("POST", url, {"Content-Type": "application/json", **(headers or {})}, body)
    kind(Credentials(access_key, secret), service, "us-east-1").add_auth(asked)
    prepared = asked.prepare()
    parts = urlsplit(prepared.url)
    found = {name.lower(): str(value) for name, value in prepared.headers.items()}
    return Request("POST", parts.path, parts.query, {"host": parts.netloc, **found}, body)


def refusal(request: Request, verifier: SignatureVerifier | None = None) -> tuple[str, str]:
    with pytest.raises(ApiError) as info:
        (verifier or SignatureVerifier(KEYS)).verify(request, "lambda")
    return info.value.code, info.value.message


def at(timestamp: str, shift: float) -> SignatureVerifier:
    """A verifier whose clock shows another time than the signature's."""
    signed = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return SignatureVerifier(KEYS, Clock(time=lambda: signed + shift))


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff" * 1000])
@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:9000/", "http://[::1]:9000/a//b?x=2&x=1"])
def test_what_botocore_signs_passes(url: str, body: bytes) -> None:
    SignatureVerifier(KEYS).verify(signed(url, body), "lambda")


def test_a_header_that_botocore_would_not_sign_may_be_signed() -> None:
    class All(SigV4Auth):  # type: ignore[misc]
        def headers_to_sign(self, request: Any) -> Any:
            headers = super().headers_to_sign(request)
            headers["user-agent"] = request.headers["User-Agent"]
            return headers

    headers = {"User-Agent": "a  client", "X-Other": "not signed"}
    request = signed(headers=headers, kind=All)
    assert "user-agent" in request.headers["authorization"]

    SignatureVerifier(KEYS).verify(request, "lambda")
    changed = replace(request, headers={**request.headers, "user-agent": "another"})
    assert refusal(changed)[0] == "InvalidSignatureException"


def test_a_request_that_was_signed_beforehand_passes() -> None:
    request = signed(kind=SigV4QueryAuth, body=b"")
    assert "authorization" not in request.headers

    SignatureVerifier(KEYS).verify(request, "lambda")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/2015-03-31/functions/c/policy"},
        {"query_string": "Qualifier=1"},
        {"body": b"[]"},
    ],
)
@pytest.mark.parametrize("kind", [SigV4Auth, SigV4QueryAuth])
def test_what_was_changed_on_the_way_is_refused(change: dict[str, Any], kind: Any) -> None:
    request = signed(kind=kind)
    if kind is SigV4QueryAuth and "query_string" in change:
        change = {"query_string": f"{request.query_string}&more=1"}

    code, message = refusal(replace(request, **change))

    assert code == "InvalidSignatureException"
    assert message.startswith(MISMATCH)


@pytest.mark.parametrize(
    "declared", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64]
)
def test_a_body_that_is_not_signed_is_refused(declared: str) -> None:
    request = signed(headers={"X-Amz-Content-SHA256": declared})

    assert refusal(request)[0] == "InvalidSignatureException"


def test_a_wrong_secret_is_refused() -> None:
    assert refusal(signed(secret="other"))[1].startswith(MISMATCH)


def test_an_unknown_key_is_refused() -> None:
    assert refusal(signed(access_key="AKIDOTHER")) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_a_request_that_is_not_signed_is_refused() -> None:
    request = replace(signed(), headers={"host": "127.0.0.1"})

    code, message = refusal(request)

    assert (code, message) == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )


def test_a_signature_for_another_service_is_refused() -> None:
    assert refusal(signed(service="s3")) == (
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'lambda'.",
    )


@pytest.mark.parametrize("shift", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(shift: int) -> None:
    request = signed()

    at(request.headers["x-amz-date"], shift).verify(request, "lambda")


@pytest.mark.parametrize(
    ("shift", "start", "end"),
    [
        (301, "Signature expired: ", " - 5 min.)"),
        (-301, "Signature not yet current: ", " + 5 min.)"),
    ],
)
def test_clocks_may_not_differ_by_more(shift: int, start: str, end: str) -> None:
    request = signed()

    code, message = refusal(request, at(request.headers["x-amz-date"], shift))

    assert code == "InvalidSignatureException"
    assert message.startswith(f"{start}{request.headers['x-amz-date']} is ")
    assert message.endswith(end)


def test_a_request_that_was_signed_beforehand_is_good_as_long_as_it_says() -> None:
    request = signed(kind=SigV4QueryAuth, body=b"")  # for an hour, if not told otherwise
    date = dict(pair.split("=", 1) for pair in request.query_string.split("&") if "=" in pair)

    at(date["X-Amz-Date"], 3600).verify(request, "lambda")
    code, message = refusal(request, at(date["X-Amz-Date"], 3601))
    assert (code, message[:17]) == ("InvalidSignatureException", "Signature expired")


@pytest.mark.parametrize(
    ("authorization", "what"),
    [
        ("Bearer x", "algorithm"),
        ("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0", "'Credential'"),
        ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0", "KEY/DATE"),
        ("AWS4-HMAC-SHA256 Credential=a/1/r/lambda/aws4_request, Signature=0", "'SignedHeaders'"),
        (
            "AWS4-HMAC-SHA256 Credential=a/1/r/lambda/aws4_request, SignedHeaders=x, Signature=0",
            "'Host' must be a 'SignedHeader'",
        ),
        (
            f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/1/r/lambda/aws4_request, "
            "SignedHeaders=host, Signature=0",
            "X-Amz-Date",
        ),
    ],
)
def test_what_is_missing_in_a_signature_is_told(authorization: str, what: str) -> None:
    headers = {"host": "127.0.0.1", "authorization": authorization}

    code, message = refusal(replace(signed(), headers=headers))

    assert code == "IncompleteSignatureException"
    assert what in message


class Settings:
    @operation("GetAccountSettings")
    def get_account_settings(self, parameters: Members) -> Members:
        return {"AccountUsage": {"FunctionCount": 1}}


async def test_an_application_with_keys_lets_only_their_owners_in() -> None:
    api = Api(RestJSON("lambda"), operations_of(Settings()))
    application = Application(api, verifier=SignatureVerifier(KEYS))
    async with serving(application) as port:
        good = client("lambda", port)
        token = client("lambda", port, aws_session_token="t+/=")
        bad = client("lambda", port, aws_secret_access_key="other")

        for known in (good, token):
            answer = await call(known.get_account_settings)
            assert answer["AccountUsage"]["FunctionCount"] == 1
        with pytest.raises(ClientError) as info:
            await call(bad.get_account_settings)
        for each in (good, token, bad):
            each.close()

    assert info.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert info.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_what_curl_signs_passes() -> None:
    api = Api(RestJSON("lambda"), operations_of(Settings()))
    application = Application(api, verifier=SignatureVerifier(KEYS))
    async with serving(application) as port:
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--max-time", "10", "--aws-sigv4", "aws:amz:us-east-1:lambda"),
            *("--user", f"{ACCESS_KEY}:{SECRET_KEY}"),
            f"http://127.0.0.1:{port}/2016-08-19/account-settings/?B=1&a=%20b",
            stdout=subprocess.PIPE,
        )
        output, _ = await curl.communicate()

    assert json.loads(output) == {"AccountUsage": {"FunctionCount": 1}}
