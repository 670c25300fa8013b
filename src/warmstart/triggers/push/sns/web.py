"""Gets what is at a URL, and at no other: a redirection is an error."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import Any

__all__ = ["fetch"]

_TIMEOUT = 10.0
_MAX = 1024 * 1024


async def fetch(url: str) -> bytes:
    """The body of a 200.

    Raises:
        OSError: there was none.
    """
    return await asyncio.to_thread(_fetch, url)


def _fetch(url: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirection, urllib.request.ProxyHandler())
    with opener.open(url, timeout=_TIMEOUT) as response:
        body: bytes = response.read(_MAX)
        return body


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow none; urllib then raises `HTTPError`, which is an `OSError`."""
