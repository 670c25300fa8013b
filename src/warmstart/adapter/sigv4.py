"""Signatures for API Gateway (SigV4, `execute-api`), made by botocore.

AWS's runtimes carry it, and it finds credentials wherever they may be. It is
imported with the first signature, which takes a few tenths of a second.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Any
from urllib.parse import urlsplit

from warmstart.adapter.connections import BotocoreMissing, SendFailed

__all__ = ["Signer"]

_REGION_IN_HOST = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


class Signer:
    """Signs for `region`, or for the one that the URL's host tells."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._credentials: Any = None

    def sign(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers that the request needs.

        Raises:
            BotocoreMissing: there is nothing to sign with.
            SendFailed: no credentials are found, or no region.
        """
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
        except ModuleNotFoundError as error:
            raise BotocoreMissing from error
        request = AWSRequest(method=method, url=url, data=body)
        credentials = self._find_credentials().get_frozen_credentials()
        SigV4Auth(credentials, "execute-api", self._region_of(url)).add_auth(request)
        return dict(request.headers.items())

    def _find_credentials(self) -> Any:
        with self._lock:
            if self._credentials is None:
                from botocore.session import Session

                self._credentials = Session().get_credentials()
            if self._credentials is None:
                raise SendFailed(
                    "There are no AWS credentials to sign with. In Lambda they come from the "
                    "function's role; elsewhere set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
                )
            return self._credentials

    def _region_of(self, url: str) -> str:
        found = _REGION_IN_HOST.search(urlsplit(url).hostname or "")
        region = (
            (found[1] if found else self._region)
            or os.environ.get("AWS_REGION")
            or os.environ.get("AWS_DEFAULT_REGION")
        )
        if not region:
            raise SendFailed(f"{url} does not tell its region: set AWS_REGION.")
        return region
