"""Where a function's code comes from, and where clients get it back.

Code is in the request, or in S3 at the configured endpoint. `GetFunction` and
`GetLayerVersion` answer with a URL for it: on AWS a presigned one of S3's, here one of
this service, valid for ten minutes as well. Its last part is a token, which names the
archive and the second it expires and is signed with a key that lives as long as the
process; `archive` tells which file a token stands for.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import botocore.config
import botocore.exceptions

from warmstart.service.api.errors import ApiError
from warmstart.service.api.operations import Members
from warmstart.service.clock import Clock
from warmstart.service.neighbours import session
from warmstart.service.state.code import Code, CodeStore
from warmstart.service.state.errors import InvalidZip, StorageFull, TooLarge

__all__ = ["ARCHIVES", "MAX_ZIPPED", "S3", "FunctionCode"]

ARCHIVES = "/2015-03-31/archives/"
"""The path that a token follows; nothing of AWS's is below it."""

MAX_ZIPPED = 50 * 1024 * 1024
"""Bytes of an archive that comes in a request."""

_VALID = 600  # seconds


class S3:
    """Gets objects. `endpoint` is a URL; without it botocore's own settings count."""

    def __init__(self, endpoint: str | None = None, region: str = "us-east-1") -> None:
        self._endpoint = endpoint
        self._region = region

    async def get(self, bucket: str, key: str, version: str | None) -> bytes:
        """An object's bytes.

        Raises:
            ApiError: S3 says no, or is not there; in the words of Lambda.
        """
        return await asyncio.to_thread(self._get, bucket, key, version)

    def _get(self, bucket: str, key: str, version: str | None) -> bytes:
        wanted = {"Bucket": bucket, "Key": key}
        if version is not None:
            wanted["VersionId"] = version
        try:
            client = self._client()
            try:
                body: bytes = client.get_object(**wanted)["Body"].read()
            finally:
                client.close()
        except botocore.exceptions.ClientError as error:
            details = error.response["Error"]
            raise _unreadable(details["Code"], details["Message"]) from error
        except botocore.exceptions.BotoCoreError as error:
            raise _unreadable(type(error).__name__, str(error)) from error
        return body

    def _client(self) -> Any:
        own = session(made_up=self._endpoint is not None)
        settings: dict[str, Any] = {"s3": {"addressing_style": "path"}} if self._endpoint else {}
        if own.get_credentials() is None:  # which objects for everybody do not need
            settings["signature_version"] = botocore.UNSIGNED
        return own.create_client(
            "s3",
            region_name=self._region,
            endpoint_url=self._endpoint,
            config=botocore.config.Config(**settings),
        )


def _unreadable(code: str, message: str) -> ApiError:
    return ApiError(
        "InvalidParameterValueException",
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}",
    )


class FunctionCode:
    """`endpoint` tells this service's own URL, which is known once it listens."""

    def __init__(
        self,
        store: CodeStore,
        endpoint: Callable[[], str],
        s3: S3 | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._s3 = s3 or S3()
        self._clock = clock or Clock()
        self._key = secrets.token_bytes(32)

    async def add(self, source: Members) -> Code:
        """Keep the archive that `ZipFile`, or `S3Bucket` and `S3Key`, lead to.

        Raises:
            ApiError: there is none, or it cannot be used.
        """
        archive = await self._read(source)
        try:
            return await asyncio.to_thread(self._store.add, archive)
        except (InvalidZip, TooLarge) as error:
            raise ApiError("InvalidParameterValueException", str(error)) from error
        except StorageFull as error:
            raise ApiError("CodeStorageExceededException", str(error)) from error

    async def _read(self, source: Members) -> bytes:
        if source.get("ZipFile"):
            archive: bytes = source["ZipFile"]
            if len(archive) > MAX_ZIPPED:
                raise ApiError(
                    "RequestEntityTooLargeException",
                    f"Zipped size must be smaller than {MAX_ZIPPED} bytes",
                )
            return archive
        if source.get("S3Bucket") and source.get("S3Key"):
            version = source.get("S3ObjectVersion")
            return await self._s3.get(source["S3Bucket"], source["S3Key"], version)
        raise ApiError(
            "InvalidParameterValueException", "Please provide a source for function code."
        )

    def location(self, sha256: str) -> str:
        """A URL of this service from which the archive can be had."""
        named = f"{base64.b64decode(sha256).hex()}.{int(self._clock.time()) + _VALID}"
        return f"{self._endpoint()}{ARCHIVES}{named}.{self._signature(named)}"

    def archive(self, token: str) -> Path | None:
        """The file that a location's token stands for; `None` if it is forged or too old."""
        named, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(named).encode()):
            return None
        digest, _, expires = named.partition(".")
        if int(expires) < self._clock.time():
            return None
        return self._store.archive(base64.b64encode(bytes.fromhex(digest)).decode())

    def _signature(self, named: str) -> str:
        return hmac.digest(self._key, named.encode(), hashlib.sha256).hex()
