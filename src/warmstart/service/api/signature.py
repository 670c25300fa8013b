"""Signature Version 4 from the server's side: the signature is made again and compared.

botocore, which signs for clients, makes it. A body is always part of it: the values
of `X-Amz-Content-SHA256` that leave it out or sign it piece by piece are S3's alone.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from warmstart.service.api.errors import ApiError
from warmstart.service.api.exchange import Request
from warmstart.service.clock import Clock

__all__ = ["SignatureVerifier", "signer"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW = timedelta(minutes=5)
_TIME = "%Y%m%dT%H%M%SZ"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class _Signature:
    """What a request says of its signature. `query` is the query that is signed."""

    access_key: str
    region: str
    service: str
    timestamp: str
    lifetime: timedelta
    headers: tuple[str, ...]
    signature: str
    query: str


def signer(request: Request) -> str:
    """The access key that a request says it is signed with.

    Raises:
        ApiError: it does not say so.
    """
    return _signature(request).access_key


class SignatureVerifier:
    """Lets requests pass that are signed with one of `keys`: secrets by access key."""

    def __init__(self, keys: Mapping[str, str], clock: Clock | None = None) -> None:
        self._keys = keys
        self._clock = clock or Clock()

    def verify(self, request: Request, service: str) -> None:
        """Check a whole request to a service, by the name it signs with (`lambda`).

        Raises:
            ApiError: the request is not signed, not by a known key, not rightly, or
                not within five minutes.
        """
        signature = _signature(request)
        secret = self._keys.get(signature.access_key)
        if secret is None:
            raise ApiError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        if signature.service != service:
            message = f"Credential should be scoped to correct service: '{service}'."
            raise ApiError("InvalidSignatureException", message)
        self._check_time(signature)
        if not hmac.compare_digest(_sign(request, signature, secret), signature.signature):
            raise ApiError("InvalidSignatureException", _MISMATCH)

    def _check_time(self, signature: _Signature) -> None:
        now = datetime.fromtimestamp(self._clock.time(), UTC)
        signed = _time(signature.timestamp)
        minutes = int(signature.lifetime.total_seconds() // 60)
        if signed < (oldest := now - signature.lifetime):
            raise ApiError(
                "InvalidSignatureException",
                f"Signature expired: {signature.timestamp} is now earlier than "
                f"{oldest:{_TIME}} ({now:{_TIME}} - {minutes} min.)",
            )
        if signed > (newest := now + _SKEW):
            raise ApiError(
                "InvalidSignatureException",
                f"Signature not yet current: {signature.timestamp} is still later than "
                f"{newest:{_TIME}} ({now:{_TIME}} + 5 min.)",
            )


def _signature(request: Request) -> _Signature:
    """What the header says, or the query of a request that was signed beforehand."""
    header = request.headers.get("authorization")
    if header is not None:
        algorithm, _, rest = header.partition(" ")
        fields = dict(re.findall(r"(\w+)=([^,\s]+)", rest))
        timestamp = request.headers.get("x-amz-date", "")
        return _read(algorithm, fields, timestamp, _SKEW, request.query_string)
    query = dict(parse_qsl(request.query_string))
    if "X-Amz-Signature" not in query:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
    fields = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
    pairs = [pair for pair in request.query_string.split("&") if _name(pair) != "X-Amz-Signature"]
    lifetime = _seconds(fields.get("Expires", ""))
    timestamp = fields.get("Date", "")
    return _read(fields.get("Algorithm", ""), fields, timestamp, lifetime, "&".join(pairs))


def _name(pair: str) -> str:
    return pair.partition("=")[0]


def _read(
    algorithm: str, fields: Mapping[str, str], timestamp: str, lifetime: timedelta, query: str
) -> _Signature:
    if algorithm != _ALGORITHM:
        raise _incomplete(f"The algorithm must be {_ALGORITHM}, and it is {algorithm!r}.")
    for name in ("Credential", "SignedHeaders", "Signature"):
        if name not in fields:
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    match fields["Credential"].rsplit("/", 4):
        case [access_key, _, region, service, "aws4_request"]:
            pass
        case _:
            raise _incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request.")
    headers = tuple(fields["SignedHeaders"].split(";"))
    if "host" not in headers:
        raise _incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    signature = fields["Signature"]
    return _Signature(access_key, region, service, timestamp, lifetime, headers, signature, query)


def _incomplete(message: str) -> ApiError:
    return ApiError("IncompleteSignatureException", message)


def _time(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete(
            f"X-Amz-Date must be a time such as 20260131T235959Z, and it is {timestamp!r}."
        ) from None


def _seconds(text: str) -> timedelta:
    """How long a request that was signed beforehand is good for; a week at most."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > 604_800:
        raise _incomplete("X-Amz-Expires must be a number of seconds, at most 604800.")
    return timedelta(seconds=int(text))


def _sign(request: Request, signature: _Signature, secret: str) -> str:
    """The signature that the request should have."""
    declared = request.headers.get("x-amz-content-sha256")
    if declared not in (None, sha256(request.body).hexdigest()):
        raise ApiError("InvalidSignatureException", _MISMATCH)
    signer = SigV4Auth(
        Credentials(signature.access_key, secret), signature.service, signature.region
    )
    # Clients may sign headers that botocore as a client leaves out, such as User-Agent.
    signer.headers_to_sign = _all_headers
    remade = AWSRequest(
        request.method,
        f"http://server{request.path}?{signature.query}",
        {name: request.headers.get(name, "") for name in signature.headers},
        request.body,
    )
    remade.context["timestamp"] = signature.timestamp
    canonical = signer.canonical_request(remade)
    made: str = signer.signature(signer.string_to_sign(remade, canonical), remade)
    return made


def _all_headers(request: Any) -> Any:
    return request.headers
